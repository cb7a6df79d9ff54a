from datetime import UTC, datetime

import polars as pl
import pytest

from expectations import validation
from nightschool.columns import ALWAYS, INTERACTIONS
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.sources import SourceFile
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.interaction_rows import Arrivals, placed
from nightschool.ingest.ledger import Ledger
from nightschool.storage.lake import Lake

SEEN, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
ROWS = [
    ("e1", "1", "7", "2025-01-01"),
    ("e2", "2", "9", "2026-01-02"),
    ("e1", "1", "7", "2025-01-03"),
    (None, "3", "7", None),
]


def context(folder, *, history: bool = False, event_id: str | None = None) -> IngestContext:
    log = {"files": ["log.csv"], "user": "user", "item": "item", "timestamp": {"column": "at", "unit": "iso"}}
    log |= {"event_id": event_id} if event_id else {}
    manifest = Manifest.model_validate({"name": "x", "score": "implicit", "history": history, "interactions": log})
    lake = Lake(folder / "lake", pl.Int64(), pl.Int64())
    return IngestContext(manifest, folder, lake, Ledger(lake, NOW), validation, SEEN, NOW)


def raw(rows: list[tuple]) -> pl.DataFrame:
    fields = pl.DataFrame(rows, dict.fromkeys(("id", "user", "item", "at"), pl.String), orient="row")
    nothing = [pl.lit(None, pl.String).alias(name) for name in ("reason", "detail", "row")]
    return fields.select(pl.int_range(1, pl.len() + 1).alias("source_row"), pl.struct(pl.all()).alias(RAW), *nothing)


def judged(at: IngestContext, declared: dict, *blocks: list[tuple]) -> pl.DataFrame:
    arrivals = Arrivals(at, {"user_id": None, "item_id": None, **declared})
    part, file = at.manifest.interactions[0], SourceFile("log.csv", at.source_root)
    return pl.concat(arrivals.judge(raw(block), part, file, SEEN) for block in blocks)


def test_ids_must_be_declared_where_a_table_declares_them(tmp_path):
    declared = {"user_id": pl.Series([1, 2]), "item_id": pl.Series([7, 8])}
    frame = judged(context(tmp_path), declared, ROWS)
    assert frame["reason"].to_list() == [None, "unknown_item", None, "unknown_user"]
    assert frame["detail"].to_list() == [None, "9", None, "3"]
    assert judged(context(tmp_path), {}, ROWS)["reason"].null_count() == 4


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (False, [SEEN, datetime(2026, 1, 2, tzinfo=UTC), SEEN, SEEN]),
        (
            True,
            [
                datetime(2025, 1, 1, tzinfo=UTC),
                datetime(2026, 1, 2, tzinfo=UTC),
                datetime(2025, 1, 3, tzinfo=UTC),
                ALWAYS,
            ],
        ),
    ],
)
def test_rows_are_known_from_their_time_and_not_before_they_were_seen(tmp_path, history, expected):
    assert judged(context(tmp_path, history=history), {}, ROWS)["available_at"].to_list() == expected


def test_event_that_comes_again_in_a_later_block_is_corrected(tmp_path):
    frame = judged(context(tmp_path, event_id="id"), {}, ROWS[:2], ROWS[2:])
    assert frame["revision"].to_list() == [0, 0, 1, 0]


def test_placed_rows_are_those_of_the_table(tmp_path):
    at = context(tmp_path)
    rows = placed(judged(at, {}, ROWS), SourceFile("a/log.csv", tmp_path), ())
    assert rows.schema == at.lake.schema(INTERACTIONS)
    assert rows["source_file"].unique().to_list() == ["a/log.csv"]
