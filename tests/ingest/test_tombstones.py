from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nightschool.data.manifest.manifest import Manifest
from nightschool.data.normalization.normalise import IdMaps, IdTypes, normalise_interactions
from nightschool.data.readers.parsing import RAW
from nightschool.ingest.tombstones import FORGOTTEN_USER, mark_forgotten
from nightschool.storage.erasure_log import Erasure, Erasures
from nightschool.storage.lake import Lake

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
MANIFEST = Manifest.model_validate(
    {"name": "x", "score": "implicit", "interactions": {"files": ["x.csv"], "user": "who", "item": "what"}}
)


@pytest.fixture
def erasures(tmp_path: Path) -> Erasures:
    return Erasures(Lake(tmp_path / "lake", pl.Int64(), pl.Int64()))


@pytest.fixture
def arriving() -> pl.DataFrame:
    """A good row and one without an item of user 7, the same of user 8, and a row without a user."""
    rows = [{"who": who, "what": what} for who, what in (("7", "1"), ("7", ""), ("8", "1"), ("8", ""), ("", "1"))]
    raw = pl.Series(RAW, rows).to_frame().with_row_index("source_row", offset=1).cast({"source_row": pl.Int64})
    empty = [pl.lit(None, pl.String).alias(name) for name in ("reason", "detail", "row")]
    part, types = MANIFEST.interactions[0], IdTypes(pl.Int64(), pl.Int64())
    return normalise_interactions(raw.with_columns(empty), part, MANIFEST, types, IdMaps())


def test_while_nobody_was_forgotten_nothing_changes(erasures: Erasures, arriving: pl.DataFrame) -> None:
    assert_frame_equal(mark_forgotten(arriving, erasures), arriving)


def test_their_rows_have_one_reason_and_nothing_else(erasures: Erasures, arriving: pl.DataFrame) -> None:
    erasures.note(Erasure(user_id=7, erased_at=NOON, removed={}, content_hashes={}, row_counts={}))
    marked = mark_forgotten(arriving, erasures)
    assert marked["reason"].to_list() == [FORGOTTEN_USER, FORGOTTEN_USER, None, "missing_item", "missing_user"]
    assert marked.head(2).select("row", RAW, "detail", "source_row").rows() == [(None,) * 3 + (1,), (None,) * 3 + (2,)]
    assert_frame_equal(marked.tail(3), arriving.tail(3))
