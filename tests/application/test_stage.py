import logging
from pathlib import Path

import pytest
from prefect.states import Failed

from nightschool.application.stage import failed_on_io, resumable
from nightschool.errors import DataRefused
from nightschool.night.night import Night
from tests.night.nights import left_over, make_home, start


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return start(make_home(tmp_path / "home"))


def test_stage_is_done_once(night: Night, caplog: pytest.LogCaptureFixture) -> None:
    made = []

    def produce(folder: Path) -> dict[str, int]:
        made.append(folder)
        (folder / "rows").write_text("1")
        return {"rows": 1}

    with caplog.at_level(logging.INFO, logger="nightschool.tasks"):
        assert resumable(night, "select", produce) == resumable(night, "select", produce) == {"rows": 1}
    assert made == [night.folder / "select"]
    assert "select: finished by an earlier try of this night" in caplog.text


def test_stage_that_was_cut_short_starts_with_an_empty_folder(night: Night) -> None:
    def die(folder: Path) -> dict[str, int]:
        (folder / "half").write_text("")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        resumable(night, "select", die)
    assert night.records.get("select") is None
    assert resumable(night, "select", lambda folder: {"found": len(list(folder.iterdir()))}) == {"found": 0}


def test_refused_data_end_the_night(night: Night) -> None:
    def refuse(_: Path) -> dict[str, int]:
        raise DataRefused("bad data")

    with pytest.raises(DataRefused):
        resumable(night, "validate", refuse)
    assert left_over(night.home) == []


def test_only_io_is_tried_again() -> None:
    assert failed_on_io(None, None, Failed(data=OSError("disk")))
    assert not failed_on_io(None, None, Failed(data=DataRefused("bad data")))
