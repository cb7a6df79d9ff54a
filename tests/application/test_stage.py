import logging
from pathlib import Path

import pytest
from prefect.states import Failed

from nightschool.application.stage import failed_on_io, resumable
from nightschool.errors import DataRefused
from nightschool.night.night import Night
from nightschool.night.records import SelectRecord, ValidateRecord
from tests.night.nights import left_over, make_home, start
from tests.night.records import example

SELECTED: SelectRecord = example(SelectRecord)


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return start(make_home(tmp_path / "home"))


def test_stage_is_done_once(night: Night, caplog: pytest.LogCaptureFixture) -> None:
    made = []

    def produce(folder: Path) -> SelectRecord:
        made.append(folder)
        (folder / "rows").write_text("1")
        return SELECTED

    with caplog.at_level(logging.INFO, logger="nightschool.application"):
        assert resumable(night, SelectRecord, produce) == resumable(night, SelectRecord, produce) == SELECTED
    assert made == [night.folder / "select"]
    assert "select: finished by an earlier try of this night" in caplog.text


def test_stage_that_was_cut_short_starts_with_an_empty_folder(night: Night) -> None:
    def die(folder: Path) -> SelectRecord:
        (folder / "half").write_text("")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        resumable(night, SelectRecord, die)
    assert night.records.get("select") is None
    found = []

    def look(folder: Path) -> SelectRecord:
        found.extend(folder.iterdir())
        return SELECTED

    assert resumable(night, SelectRecord, look) == SELECTED
    assert found == []


def test_refused_data_end_the_night(night: Night) -> None:
    def refuse(_: Path) -> ValidateRecord:
        raise DataRefused("bad data")

    with pytest.raises(DataRefused):
        resumable(night, ValidateRecord, refuse)
    assert left_over(night.home) == []


def test_only_io_is_tried_again() -> None:
    assert failed_on_io(None, None, Failed(data=OSError("disk")))
    assert not failed_on_io(None, None, Failed(data=DataRefused("bad data")))
