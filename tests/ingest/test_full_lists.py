from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from expectations import validation
from nightschool.columns import ARRIVED_AT, AVAILABLE_AT, LIST, USER_ID, USERS, WITHDRAWN
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.full_lists import FullLists
from nightschool.ingest.ledger import Ledger
from nightschool.storage.lake import Lake

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MANIFEST = Manifest.model_validate(
    {
        "name": "x",
        "score": "implicit",
        "interactions": {"files": ["log.csv"], "user": "u", "item": "i"},
        "users": {"files": ["*.csv"], "id": "id"},
    }
)


@pytest.fixture
def lists(tmp_path) -> FullLists:
    """The lists of a home that took in a.csv, with users 1, 2 and 3."""
    lake = Lake(tmp_path / "lake", pl.Int64(), pl.Int64())
    ledger = Ledger(lake, NOW)
    context = IngestContext(MANIFEST, tmp_path, lake, ledger, validation, NOW, NOW)
    (tmp_path / "a.csv").write_text("id\n1\n2\n3\n")
    file = SourceFile("a.csv", tmp_path / "a.csv")
    ledger.note(USERS, file, MANIFEST.users, Extent(9, 3, "hash"), {ARRIVED_AT: NOW, LIST: "a.csv"})
    found = FullLists.of(context, USERS, MANIFEST.users, [file])
    found.ids["a.csv"] = pl.Series([1, 2, 3])
    return found


def test_a_file_that_mostly_shares_ids_delivers_that_list(lists, tmp_path):
    other = SourceFile("b.csv", tmp_path / "b.csv")
    assert lists.list_of(other, pl.Series([2, 3, 4])) == "a.csv"
    assert lists.list_of(other, pl.Series([3, 4, 5])) == "b.csv"
    assert lists.list_of(SourceFile("a.csv", tmp_path / "a.csv"), pl.Series([9])) == "a.csv"


def test_who_is_in_no_list_is_withdrawn_once(lists):
    newest = pl.DataFrame(
        {USER_ID: [1, 2, 7, 8], AVAILABLE_AT: [NOW] * 4, WITHDRAWN: [None, None, None, True]},
        schema_overrides={AVAILABLE_AT: pl.Datetime("us", "UTC")},
    )
    gone = lists.withdrawn(newest, NOW)
    assert gone.rows() == [(7, NOW + timedelta(microseconds=1), True)]


def test_nobody_is_withdrawn_where_a_list_cannot_be_read(lists):
    lists.newest["b.csv"] = {**lists.newest["a.csv"], "file": "b.csv"}
    newest = pl.DataFrame(
        {USER_ID: [7], AVAILABLE_AT: [NOW], WITHDRAWN: [None]}, schema_overrides={WITHDRAWN: pl.Boolean}
    )
    assert lists.withdrawn(newest, NOW).is_empty()


def test_a_list_knows_how_many_rows_it_had(lists):
    assert (lists.rows_of("a.csv"), lists.rows_of("b.csv")) == (3, None)
