import shutil
from datetime import UTC, datetime
from types import SimpleNamespace

import polars as pl
import pytest

from expectations import validation
from nightschool.columns import BATCHES, INTERACTIONS, USERS
from nightschool.data.manifest.manifest import Users
from nightschool.data.manifest.sections import Interactions
from nightschool.errors import DataRefused
from nightschool.ingest.batch_profiles import Batches
from nightschool.storage.lake import Lake

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOG = Interactions.model_validate({"files": ["log.csv"], "user": "u", "item": "i"})
PEOPLE = Users.model_validate({"files": ["u.csv"], "id": "u", "attributes": ["team"]})


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake", pl.Int64(), pl.Int64())


def rows(lake: Lake, n: int, seconds: float | None = 300.0) -> pl.DataFrame:
    values = {
        "user_id": range(n),
        "item_id": range(n),
        "duration_seconds": pl.repeat(seconds, n, dtype=pl.Float64, eager=True),
    }
    return pl.concat([lake.schema(INTERACTIONS).to_frame(), pl.DataFrame(values)], how="diagonal")


def take(lake: Lake, *frames: pl.DataFrame, source: str = "log") -> list[str]:
    """The warnings of an ingest that brings these blocks."""
    batches = Batches(lake, INTERACTIONS, NOW)
    for frame in frames:
        batches.add(source, LOG, frame)
    warnings = batches.compare(validation)
    batches.write()
    return warnings


def test_first_batch_has_nothing_to_be_compared_with(lake):
    assert take(lake, rows(lake, 2000)) == []
    assert lake.scan(BATCHES).filter(pl.col("column") == "duration_seconds").collect().rows() == [
        (NOW, "interactions", "log", "duration_seconds", "8", 2000)
    ]


def test_batch_like_the_last_is_let_in(lake):
    take(lake, rows(lake, 2000))
    assert take(lake, rows(lake, 500), rows(lake, 700)) == []
    assert lake.scan(BATCHES).select(pl.col("read_at").n_unique()).collect().item() == 2


def test_another_unit_is_refused(lake):
    take(lake, rows(lake, 2000))
    with pytest.raises(
        DataRefused, match=r"distribution_changed \(duration_seconds \d.*check the source's units"
    ) as error:
        take(lake, rows(lake, 2000, seconds=5.0))
    assert error.value.exit_code == 3
    shutil.rmtree(lake.root / "batches")
    assert take(lake, rows(lake, 2000, seconds=5.0)) == []


def test_few_rows_in_another_unit_are_a_note(lake):
    take(lake, rows(lake, 2000))
    (warning,) = take(lake, rows(lake, 900, seconds=5.0))
    assert warning.startswith("interactions: distribution_moved (duration_seconds")


def test_column_that_lost_its_values_is_refused(lake):
    take(lake, rows(lake, 200))
    with pytest.raises(DataRefused, match=r"column_emptied \(duration_seconds from 0\.0 % to 100\.0 %\)"):
        take(lake, rows(lake, 200, seconds=None))


def test_each_source_is_compared_with_itself_and_with_its_last_batch(lake):
    take(lake, rows(lake, 2000), source="views")
    assert take(lake, rows(lake, 2000, seconds=5.0), source="tests") == []
    assert take(lake, rows(lake, 2000), source="views") == []
    assert take(lake, rows(lake, 2000, seconds=5.0), source="tests") == []


def test_tables_do_not_meet(lake):
    take(lake, rows(lake, 2000))
    batches = Batches(lake, USERS, NOW)
    batches.add("log", PEOPLE, pl.DataFrame({"user_id": [1], "team": ["red"]}))
    check = SimpleNamespace(check_drift=None)
    assert batches.compare(check) == []


def test_nothing_that_arrived_is_no_batch(lake):
    assert take(lake) == []
    assert not lake.exists(BATCHES)
