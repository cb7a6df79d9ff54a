from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import INTERACTIONS, QUARANTINE, SOURCE_FILE, SOURCE_ROW, SOURCES, USERS
from nightschool.data.manifest.manifest import Users
from nightschool.data.manifest.sections import Interactions
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.ingest.ledger import Ledger, mapping
from nightschool.storage.lake import Lake

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PART = Interactions(files=("*.csv",), user="user", item="item")
LOG = SourceFile("it's a log.csv", Path("log.csv"))


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path, pl.Int64(), pl.Int64())


def rows_of(file: str, *numbers: int) -> pl.DataFrame:
    rows = pl.DataFrame({SOURCE_FILE: [file] * len(numbers), SOURCE_ROW: numbers})
    return pl.concat([INTERACTIONS.schema(user_id=pl.Int64(), item_id=pl.Int64()).to_frame(), rows], how="diagonal")


def bad_rows_of(table: str, *numbers: int) -> pl.DataFrame:
    rows = pl.DataFrame({"table": table, SOURCE_FILE: LOG.name, SOURCE_ROW: numbers})
    return pl.concat([QUARANTINE.schema(user_id=pl.Int64(), item_id=pl.Int64()).to_frame(), rows], how="diagonal")


def test_ledger_remembers_the_newest_reading_by_table(lake):
    for extent in (Extent(9, 1, "first"), Extent(5, 1, "shorter, but later")):
        ledger = Ledger(lake, NOW)
        ledger.note(INTERACTIONS, LOG, PART, extent)
        ledger.write()
    assert Ledger(lake, NOW).known(INTERACTIONS, LOG) == Extent(5, 1, "shorter, but later")
    assert Ledger(lake, NOW).known(USERS, LOG) is None


def test_ledger_remembers_how_far_a_query_was_read(lake):
    ledger = Ledger(lake, NOW)
    ledger.note(INTERACTIONS, LOG, PART, Extent(0, 2, "", "17"))
    ledger.write()
    assert Ledger(lake, NOW).known(INTERACTIONS, LOG) == Extent(0, 2, "", "17")


def test_mapping_does_not_tell_nor_depend_on_where_a_database_is():
    query = {"kind": "sql", "uri": "postgresql://me:hush@one/db", "query": "SELECT 1", "key": "id"}
    parts = [
        Interactions.model_validate({"format": {**query, **more}, "user": "u", "item": "i"})
        for more in ({}, {"uri": "$OTHER"}, {"query": "SELECT 2"})
    ]
    here, moved, other = map(mapping, parts)
    assert here == moved != other


def test_nothing_is_known_until_it_is_written(lake):
    Ledger(lake, NOW).note(INTERACTIONS, LOG, PART, Extent(9, 1, "x"))
    assert Ledger(lake, NOW).known(INTERACTIONS, LOG) is None
    assert not lake.exists(SOURCES)


def test_what_the_ledger_knows_is_not_written_again(lake):
    for _ in range(2):
        ledger = Ledger(lake, NOW)
        ledger.note(INTERACTIONS, LOG, PART, Extent(9, 1, "x"))
        ledger.write()
    assert lake.scan(SOURCES).collect().height == 1


def test_rows_beyond_the_ledger_are_undone(lake):
    ledger = Ledger(lake, NOW)
    ledger.note(INTERACTIONS, LOG, PART, Extent(9, 2, "x"))
    ledger.write()
    lake.append(INTERACTIONS, rows_of(LOG.name, 1, 2, 3))
    lake.append(INTERACTIONS, rows_of("never noted", 1))
    lake.append(QUARANTINE, bad_rows_of("interactions", 4))
    lake.append(QUARANTINE, bad_rows_of("users", 5))
    Ledger(lake, NOW).undo_unfinished()
    left = lake.scan(INTERACTIONS).collect()
    assert sorted(left.select(SOURCE_FILE, SOURCE_ROW).rows()) == [(LOG.name, 1), (LOG.name, 2)]
    assert lake.scan(QUARANTINE).collect()["table"].to_list() == ["users"]


def test_home_in_order_is_left_alone(lake):
    lake.append(INTERACTIONS, rows_of(LOG.name, 1))
    ledger = Ledger(lake, NOW)
    ledger.note(INTERACTIONS, LOG, PART, Extent(9, 1, "x"))
    ledger.write()
    Ledger(lake, NOW).undo_unfinished()
    assert lake.version(INTERACTIONS) == 0


def test_file_that_is_described_anew_is_noted_again(lake):
    other = PART.model_copy(update={"event": "what"})
    for part in (PART, other):
        ledger = Ledger(lake, NOW)
        assert not ledger.was_read_by(part, INTERACTIONS, LOG)
        ledger.note(INTERACTIONS, LOG, part, Extent(9, 1, "x"))
        ledger.write()
    assert Ledger(lake, NOW).was_read_by(other, INTERACTIONS, LOG)
    assert lake.scan(SOURCES).collect().height == 2


def test_file_that_is_shortened_loses_the_rows_beyond_once_it_is_cut(lake):
    ledger = Ledger(lake, NOW)
    ledger.note(INTERACTIONS, LOG, PART, Extent(9, 2, "x"))
    ledger.write()
    lake.append(INTERACTIONS, rows_of(LOG.name, 1, 2))
    ledger = Ledger(lake, NOW)
    ledger.note(USERS, LOG, PART, Extent(7, 1, "rows still to be written"))
    ledger.shorten(LOG, PART, Extent(5, 1, "y"))
    assert lake.scan(INTERACTIONS).collect()[SOURCE_ROW].to_list() == [1, 2]
    assert ledger.known_rows().collect()[SOURCE_ROW].to_list() == [1]
    ledger.cut()
    assert lake.scan(INTERACTIONS).collect()[SOURCE_ROW].to_list() == [1]
    assert Ledger(lake, NOW).known(INTERACTIONS, LOG) == ledger.known(INTERACTIONS, LOG) == Extent(5, 1, "y")
    assert Ledger(lake, NOW).known(USERS, LOG) is None


def test_mapping_is_what_the_manifest_makes_of_a_row():
    users = {"files": ["users.csv"], "id": "id", "lists": {"likes": "|", "wants": "|"}}
    moved = {"id": "id", "lists": {"wants": "|", "likes": "|"}, "files": ["a", "b"], "format": {"kind": "csv"}}
    one = mapping(Users.model_validate(users))
    assert mapping(Users.model_validate(moved)) == one
    for change in ({"attributes": ["role"]}, {"lists": {"likes": "|"}}, {"format": {"kind": "jsonl"}}, {"id": "who"}):
        assert mapping(Users.model_validate({**users, **change})) != one
