import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from expectations import validation
from nightschool.columns import DETAIL, QUARANTINE, REASON, ROW, SOURCE_ROW, USERS
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.readers.delimited import Csv
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.sources import SourceFile
from nightschool.ingest.batch import IngestContext, Intake, TableCounts, mark
from nightschool.ingest.batch_profiles import Batches
from nightschool.ingest.ledger import Ledger
from nightschool.storage.lake import Lake
from nightschool.storage.staging import Spool

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LAKE = Lake(Path("lake"), pl.Int64(), pl.Int64())
FILE = SourceFile("users.csv", Path("users.csv"))
FRAME = pl.DataFrame(
    {
        "user_id": [1, 1, None],
        SOURCE_ROW: [1, 2, 3],
        REASON: [None, None, "bad_user"],
        DETAIL: [None, None, "x"],
        RAW: [{"id": "1"}, {"id": "1"}, {"id": "x"}],
        ROW: [None, '{"line": "1"}', None],
    },
    schema_overrides={ROW: pl.String},
)


def test_mark_gives_a_reason_to_good_rows_only():
    marked = mark(FRAME, pl.lit(True), "duplicate_id", "user_id")
    assert marked.select(REASON, DETAIL).rows() == [("duplicate_id", "1"), ("duplicate_id", "1"), ("bad_user", "x")]


def test_good_and_bad_rows_part(tmp_path):
    intake = Intake(USERS, Spool(tmp_path / "good"), Spool(tmp_path / "bad"), Batches(LAKE, USERS, NOW))
    good = intake.sort_out(mark(FRAME, pl.col(SOURCE_ROW) == 2, "duplicate_id", "user_id"), FILE, NOW)
    bad = intake.rejected.scan().collect()
    assert good[SOURCE_ROW].to_list() == [1]
    assert bad.schema == QUARANTINE.schema(user_id=pl.Int64(), item_id=pl.Int64())
    assert [json.loads(row) for row in bad[ROW]] == [{"line": "1"}, {"id": "x"}]
    assert intake.counts() == TableCounts(0, 0, 2, {"bad_user": 1, "duplicate_id": 1})


def test_rows_in_is_the_sum():
    assert TableCounts(4, 3, 2, {"bad_user": 2}).to_dict() == {
        "rows_in": 9,
        "already_known": 4,
        "accepted": 3,
        "quarantined": 2,
        "reasons": {"bad_user": 2},
    }


DAY = timedelta(days=1)


def arrival(folder: Path, modified: datetime, *, first_seen: datetime = NOW, last: datetime | None = None, **more):
    manifest = Manifest.model_validate(
        {"name": "x", "score": "implicit", "interactions": {"files": ["a"], "user": "u", "item": "i"}, **more}
    )
    (folder / "a").touch()
    os.utime(folder / "a", (modified.timestamp(), modified.timestamp()))
    lake = Lake(folder / "lake", pl.Int64(), pl.Int64())
    context = IngestContext(manifest, folder, lake, Ledger(lake, NOW), validation, first_seen, NOW, last)
    return context.arrival(SourceFile("a", folder / "a"), Csv())


def test_a_file_arrived_when_it_was_written_and_never_later_than_the_clock(tmp_path):
    assert arrival(tmp_path, NOW - DAY) == NOW - DAY
    assert arrival(tmp_path, NOW + DAY) == NOW
    assert arrival(tmp_path, NOW - DAY, arrival="read") == NOW


def test_a_file_that_bears_an_older_time_than_the_last_night_arrived_since(tmp_path):
    assert arrival(tmp_path, NOW - 3 * DAY, last=NOW - 2 * DAY) == NOW
    assert arrival(tmp_path, NOW - DAY, last=NOW - 2 * DAY) == NOW - DAY


def test_unless_a_night_before_that_one_is_made_up_for(tmp_path):
    assert arrival(tmp_path, NOW - 3 * DAY, first_seen=NOW - 3 * DAY, last=NOW - 2 * DAY) == NOW - 3 * DAY
