"""Whole nights that change nothing, come late, or are repeated: what they publish is what a night on time publishes."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.backfill import backfill
from flows.retrain import retrain
from nightschool.application.home import open_home
from nightschool.application.rollback import roll_back
from nightschool.application.tracking import registry
from nightschool.columns import METRICS, RECOMMENDATIONS
from nightschool.errors import NightschoolError
from nightschool.night.config import NightConfig
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.storage.release_reader import Reader
from nightschool.storage.verify import verify_release

pytestmark = pytest.mark.usefixtures("prefect_api")

T1, T2, T3 = (datetime(2025, 6, day, 2, tzinfo=UTC) for day in (26, 27, 28))
CONFIG = NightConfig(
    k=20,
    models=("popularity", "ease", "content"),
    alpha_steps=2,
    minutes=0.01,
    min_users=50,
    window_days=56,
)

Night = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def first(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sources whose rows reach beyond T3, and a home whose night at T1 is published."""
    assert prefect_api
    folder = tmp_path_factory.mktemp("late")
    simulate(SimulatorConfig(users=200, items=100, interactions=6_000, seed=1), folder / "source")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSCHOOL_HOME", str(folder / "home"))
        patch.setattr("nightschool.application.opening.code_version", lambda: "code")
        report = retrain("learning", folder / "source", T1, CONFIG)
    assert (report["status"], report["tuned"], report["decision"]) == ("published", True, "first")
    return folder


@pytest.fixture
def night(first: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Night:
    """Runs a night at a T in a copy of the home, the first copy unless another is named."""
    monkeypatch.setattr("nightschool.application.opening.code_version", lambda: "code")

    def run(as_of: datetime, *, copy: str = "one", config: NightConfig = CONFIG, **asked: bool) -> dict[str, Any]:
        home = tmp_path / copy
        if not home.exists():
            shutil.copytree(first / "home", home)
        monkeypatch.setenv("NIGHTSCHOOL_HOME", str(home))
        return retrain("learning", first / "source", as_of, config, **asked)

    return run


def hashes() -> dict[datetime, tuple[str, dict[str, str]]]:
    """T to id and content hashes of its release."""
    stored = open_home().releases.stored()
    return {release.as_of: (release.release_id, dict(release.content_hashes)) for release in stored}


def test_a_night_that_was_missed_is_stored_later_as_it_would_have_been_on_time(night: Night) -> None:
    for as_of in (T2, T3):
        assert night(as_of)["status"] == "published"
    on_time = hashes()
    assert night(T3, copy="two")["status"] == "published"
    report = night(T2, copy="two")
    assert (report["status"], report["release_id"]) == ("backfilled", on_time[T2][0])
    late = hashes()
    assert late[T1][0] == on_time[T1][0]
    differing = {at: {table for table, found in late[at][1].items() if found != on_time[at][1][table]} for at in late}
    assert differing[T1] == differing[T2] == set()
    # Lists of users without new events follow what these saw last, which was another release.
    assert differing[T3] <= {RECOMMENDATIONS.name, METRICS.name}

    home = open_home()
    current = home.releases.current()
    assert current is not None
    assert current.release_id == registry(home).champion() == on_time[T3][0]
    assert registry(home)._versions(report["release_id"])
    assert verify_release(home, report["release_id"]).state == "intact"
    assert Reader.of(home, report["release_id"]).table(RECOMMENDATIONS).collect().height > 0

    again = night(T2, copy="two")
    assert (again["status"], again["release_id"]) == ("already published", report["release_id"])
    assert "was already backfilled" in again["sentence"]
    assert roll_back(report["release_id"], "T3 is odd", hold=False)["status"] == "published"
    assert registry(home).champion() == report["release_id"]


@pytest.mark.slow
def test_a_late_night_becomes_current_when_that_is_asked_for(night: Night) -> None:
    night(T3)
    assert night(T2)["status"] == "backfilled"
    report = night(T2, make_current=True)
    assert report["status"] == "already published"
    home = open_home()
    current = home.releases.current()
    assert current is not None
    assert (current.as_of, current.release_id) == (T2, report["release_id"])
    assert registry(home).champion() == report["release_id"]


def test_a_forced_repeat_tries_the_same_settings_and_gives_the_same_hashes(night: Night) -> None:
    report = night(T1, force=True)
    assert (report["status"], report["tuned"]) == ("published", True)
    assert sum(report["trials"].values()) > len(CONFIG.models)
    before, repeat = open_home().releases.stored()
    assert before.run_key != repeat.run_key
    assert repeat.content_hashes == before.content_hashes
    assert repeat.recipe == before.recipe


def test_a_night_in_which_nothing_changed_publishes_nothing(night: Night) -> None:
    as_of = T1 + timedelta(microseconds=1)
    report = night(as_of)
    assert (report["status"], report["as_of"]) == ("unchanged", as_of.isoformat())
    (release,) = open_home().releases.history()
    assert report["release_id"] == release.release_id
    assert report["rows"]["interactions"]["accepted"] == 0
    assert not any(open_home().paths.nights.glob("*"))


@pytest.mark.slow
def test_missed_days_are_run_oldest_first(night: Night, first: Path) -> None:
    night(T3)
    found = backfill(T1.date(), T3.date(), config=CONFIG)
    assert [entry["outcome"] for entry in found] == [
        "skipped: already published",
        "backfilled",
        "skipped: already published",
    ]
    assert [entry["as_of"] for entry in found] == [as_of.isoformat() for as_of in (T1, T2, T3)]
    # A log of the past whose file arrived after T: a night on time could not have read all of it.
    assert found[1]["hashes_may_differ"] is True
    with pytest.raises(NightschoolError, match=r"1 of 1 nights failed.*no interaction was known then"):
        backfill(date(2020, 1, 1), date(2020, 1, 1), config=CONFIG)
