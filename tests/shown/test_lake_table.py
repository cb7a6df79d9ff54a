"""What was shown in the lake: each row once, after its window, and as it was known at T."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from nightschool.columns import SHOWN
from nightschool.shown.impression_store import ImpressionStore
from nightschool.shown.lake_table import append_shown, newest_shown, shown_at
from nightschool.shown.list_store import ListStore
from nightschool.storage.events import EventStore
from nightschool.storage.lake import Lake
from tests.shown.given import HOUR, START, a_list, did, seen

DAY = timedelta(days=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", pl.Int64(), pl.Int64())


def rows(lake: Lake) -> list[tuple[object, ...]]:
    return lake.scan(SHOWN).select("list_id", "place", "user_id", "item_id").sort("list_id", "place").collect().rows()


def test_a_row_is_added_once_when_its_window_has_passed(lake: Lake, database: sa.Engine) -> None:
    assert append_shown(lake, database, START) == 0
    assert newest_shown(lake) is None
    ListStore(database).append([a_list("a", "12", "7"), a_list("b", "3", None), a_list("c", ["x"], "7")])
    ImpressionStore(database).append(
        [seen("a", 1, user_id="7"), seen("b", 30, user_id=None), seen("c", 2, user_id="7")]
    )
    assert append_shown(lake, database, START + 25 * HOUR) == 0
    assert append_shown(lake, database, START + 26 * HOUR) == 2
    assert append_shown(lake, database, START + 40 * HOUR) == 0
    assert append_shown(lake, database, START + 3 * DAY) == 1
    assert append_shown(lake, database, START + 30 * DAY) == 0
    assert rows(lake) == [("a", 1, 7, 1), ("a", 2, 7, 2), ("b", 1, None, 3)]
    assert newest_shown(lake) == START + 30 * HOUR


def test_what_comes_late_is_added_later_and_a_row_never_changes(lake: Lake, database: sa.Engine) -> None:
    ListStore(database).append([a_list("a", "12", "7"), a_list("b", "3", "7")])
    ImpressionStore(database).append([seen("b", 20, user_id="7"), seen("a", 4, [1], user_id="7")])
    assert append_shown(lake, database, START + 3 * DAY) == 2
    ImpressionStore(database).append([seen("a", 3, user_id="7")])
    EventStore(database).append([did("1", 5, "like", "a", "7")])
    assert append_shown(lake, database, START + 4 * DAY) == 1
    table = lake.scan(SHOWN).sort("list_id", "place").collect()
    assert table.select("list_id", "place", "times").rows() == [("a", 1, 1), ("a", 2, 1), ("b", 1, 1)]
    assert table["liked_at"].null_count() == 3


def test_a_night_knows_what_had_settled_at_its_t(lake: Lake, database: sa.Engine) -> None:
    ListStore(database).append([a_list("a", "1", "7"), a_list("b", "3", "7")])
    ImpressionStore(database).append([seen("a", 1, user_id="7"), seen("b", 30, user_id="7")])
    assert append_shown(lake, database, START + 9 * DAY) == 2
    for hours, known in ((24, []), (25, ["a"]), (53, ["a"]), (54, ["a", "b"])):
        assert shown_at(lake, START + hours * HOUR).collect()["list_id"].sort().to_list() == known
