from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from deltalake import DeltaTable

from nightschool.columns import INTERACTIONS, ITEM_ID, SCORE, USER_ID
from nightschool.errors import DataRefused, Unavailable
from nightschool.hashing import hash_ids
from nightschool.spark.divide import RAW, divide_interactions, part_of_ids, plain_files
from nightschool.spark.parts import part_folder
from tests.night.nights import MONDAY, make_home
from tests.spark.logs import LOG_ONLY, home_of, planted


@pytest.mark.parametrize(
    "ids", [pl.Series(range(500)), pl.Series([f"user {n}" for n in range(500)])], ids=["numbers", "texts"]
)
def test_parts_are_ranges_of_the_hash(ids: pl.Series) -> None:
    parts = part_of_ids(ids, 7).to_numpy()
    ordered = parts[np.argsort(hash_ids(ids))]
    assert (np.diff(ordered) >= 0).all()
    assert set(parts) == set(range(7))
    assert np.bincount(parts).min() > 40
    assert part_of_ids(ids, 1).unique().to_list() == [0]


def test_every_row_is_in_the_part_of_its_user(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("nightschool.spark.divide.ROWS_A_PART", 200)
    home = home_of(planted(), tmp_path / "home")
    events = divide_interactions(home.lake, LOG_ONLY, MONDAY, tmp_path / "parts")
    rows = [pl.read_parquet(part_folder(tmp_path / "parts", part) / RAW) for part in range(len(events))]
    assert [each.height for each in rows] == events
    assert sum(events) == 901
    for number, part in enumerate(rows):
        assert part_of_ids(part[USER_ID], len(events)).unique().to_list() == [number]
    assert pl.concat(rows)[SCORE].null_count() == 0


def test_corrected_and_taken_back_events_are_as_on_one_machine(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    schema = {**home.lake.schema(INTERACTIONS), **INTERACTIONS.optional}
    base = {"timestamp": MONDAY, "available_at": MONDAY, "user_id": 1, "source_file": "a.csv", "liked": True}
    rows = [
        {**base, "event_id": "kept", "item_id": 7, "source_row": 10, "revision": 0},
        {**base, "event_id": "moved", "item_id": 7, "source_row": 11, "revision": 0},
        {**base, "event_id": "moved", "item_id": 8, "source_row": 12, "revision": 1},
        {**base, "event_id": "gone", "item_id": 9, "source_row": 13, "revision": 0},
        {**base, "event_id": "gone", "item_id": 9, "source_row": 14, "revision": 1, "deleted": True},
        {**base, "event_id": "later", "item_id": 7, "source_row": 15, "available_at": MONDAY + timedelta(days=1)},
    ]
    frame = pl.DataFrame(rows, schema=schema)
    lacking = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    home.lake.append(INTERACTIONS, frame.with_columns(lacking))
    divide_interactions(home.lake, LOG_ONLY, MONDAY, tmp_path / "parts")
    raw = pl.read_parquet(part_folder(tmp_path / "parts", 0) / RAW)
    assert raw[ITEM_ID].to_list() == [7, 7, 8]


def test_a_table_with_hidden_rows_or_other_names_is_refused_by_name(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    assert plain_files(home.lake)
    table = DeltaTable(home.lake.root / INTERACTIONS.name)
    table.alter.set_table_properties({"delta.enableDeletionVectors": "true"}, raise_if_not_exists=False)
    with pytest.raises(Unavailable, match="deletionVectors"):
        plain_files(home.lake)


def test_no_interactions_are_refused(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with pytest.raises(DataRefused, match="No interactions are known"):
        divide_interactions(home.lake, LOG_ONLY, MONDAY - timedelta(days=1), tmp_path / "parts")
    home.lake.delete(INTERACTIONS, pl.lit(value=True))
    with pytest.raises(DataRefused):
        divide_interactions(home.lake, LOG_ONLY, MONDAY, tmp_path / "parts")


def test_rows_that_cannot_be_scored_are_refused(tmp_path: Path) -> None:
    home = home_of(planted(events=50), tmp_path / "home")
    weighed = LOG_ONLY.model_copy(update={"score": "events", "event_weights": {"view": 1.0}})
    with pytest.raises(DataRefused, match="event types without a weight"):
        divide_interactions(home.lake, weighed, MONDAY, tmp_path / "parts")
