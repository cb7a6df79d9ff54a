"""Declared contexts: columns of interactions that files may bring from some day on."""

from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import INTERACTIONS
from nightschool.data.build_log import build_event_log
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import DataRefused, ManifestError
from tests.ingest.logs import HEADER, ROWS, Home

WITH_DEVICE = HEADER.replace("\n", ",device\n")
DECLARED = {"interactions": {"context": ["device"]}}


def rows_of(home: Home) -> pl.DataFrame:
    return home.lake.scan(INTERACTIONS).sort("source_file", "source_row").collect()


def test_contexts_are_columns_of_the_table_and_of_the_log(tmp_path: Path) -> None:
    home = Home(tmp_path, **DECLARED)
    home.write(
        [f"{row},{device}" for row, device in zip(ROWS, (" phone ", "NULL", "desk"), strict=True)], header=WITH_DEVICE
    )
    home.ingest()
    assert rows_of(home)["device"].to_list() == ["phone", None, "desk"]
    log = build_event_log(None, None, rows_of(home), home.manifest)
    assert log.contexts == ("device",)
    log.save(tmp_path / "log")
    again = type(log).load(tmp_path / "log")
    assert again.events["device"].to_list() == ["phone", None, "desk"]
    split = log.split(
        "test", "x", pl.Series([True, False, True]).to_numpy(), ~pl.Series([True, False, True]).to_numpy(), None
    )
    assert split.fitted.interactions["device"].cast(pl.String).sort().to_list() == ["desk", "phone"]
    assert split.held_out["device"].to_list() == [None]


def test_a_home_takes_contexts_from_the_day_on_that_files_bring_them(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write(ROWS[:2])
    home.ingest()
    declared = home.manifest.interactions[0].model_copy(update={"context": ("device",)})
    home.manifest = home.manifest.model_copy(update={"interactions": (declared,)})
    home.write([f"{ROWS[2]},desk"], name="log2.csv", header=WITH_DEVICE)
    home.ingest()
    assert rows_of(home)["device"].to_list() == [None, None, "desk"]


def test_a_file_without_the_declared_column_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path, **DECLARED)
    home.write(ROWS)
    with pytest.raises(DataRefused, match="has no column device"):
        home.ingest()


@pytest.mark.parametrize("name", ["hour", "weekday", "score", "rating", "user_index"])
def test_a_context_must_not_have_the_name_of_another_column(tmp_path: Path, name: str) -> None:
    with pytest.raises((ManifestError, ValueError), match="collide"):
        Home(tmp_path, interactions={"context": [name]})


def test_parts_without_the_context_leave_it_empty(tmp_path: Path) -> None:
    part = Home(tmp_path, **DECLARED).manifest.interactions[0]
    other = part.model_copy(update={"files": ("other.csv",), "context": ()})
    home = Home(tmp_path)
    home.manifest = Manifest.model_validate(
        {"name": "x", "score": "rating", "interactions": [part.model_dump(), other.model_dump()]}
    )
    home.write([f"{ROWS[0]},phone"], header=WITH_DEVICE)
    home.write(ROWS[1:2], name="other.csv")
    home.ingest()
    assert rows_of(home)["device"].to_list() == ["phone", None]
