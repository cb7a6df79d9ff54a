from pathlib import Path

import pytest

from nightschool.application.forget import look_for
from nightschool.application.home import manifest_of
from nightschool.application.measure import collecting
from nightschool.columns import USER_ID, USERS
from nightschool.errors import NotFound
from nightschool.night.records import RecoverRecord
from nightschool.privacy.erase import begin_erasure
from nightschool.storage.erasure_log import unfinished
from tasks.recover import recover
from tests.night.nights import MONDAY, make_home


def test_an_erasure_that_was_cut_short_is_finished_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSCHOOL_HOME", str(tmp_path / "home"))
    home = make_home(tmp_path / "home")
    begin_erasure(home, manifest_of(home), 1, MONDAY)
    with collecting() as figures:
        assert recover.fn(home) == RecoverRecord(erasures=1)
    assert figures.keys() == {"recover"}
    assert unfinished(home.paths.erasure) is None
    assert home.lake.scan(USERS).collect()[USER_ID].to_list() == [2]
    with pytest.raises(NotFound, match="forgotten on"):
        look_for(home, "1")


def test_a_home_without_one_is_left_alone(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with collecting() as figures:
        assert recover.fn(home) == RecoverRecord(erasures=0)
    assert figures == {}
    assert home.lake.scan(USERS).collect().height == 2
