"""What was shown, read from both kinds of databases."""

import polars as pl
import pytest
import sqlalchemy as sa

from nightschool.shown.attribution import COLUMNS
from nightschool.shown.impression_store import ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.shown.shown_frame import read_shown
from nightschool.storage.events import EventStore
from tests.shown.given import HOUR, START, a_list, did, seen

DAY = 24 * HOUR


@pytest.fixture
def filled(database: sa.Engine) -> sa.Engine:
    """Lists of two days with what came of them."""
    ListStore(database).append(
        [a_list("a", "xy"), a_list("b", "xz", tuned=True, arms='{"try": "b"}'), a_list("c", "x")]
    )
    told = [seen("a", 1), seen("a", 30), seen("b", 26, [1]), seen("unknown", 3)]
    ImpressionStore(database).append(told)
    events = [did("x", 2, "like"), did("x", 27), did("z", 28, "complete", "b"), did("y", 29, "hide", "a"), did("x", 5)]
    EventStore(database).append(events)
    EventStore(database).undo("u-x-view-5-None", "u")
    return database


def test_a_span_holds_what_was_first_shown_in_it(filled: sa.Engine) -> None:
    first, second = read_shown(filled, START, START + DAY), read_shown(filled, START + DAY, START + 2 * DAY)
    assert dict(first.schema) == dict(second.schema) == COLUMNS
    assert first.select("list_id", "place", "times").rows() == [("a", 1, 2), ("a", 2, 2)]
    assert second.select("list_id", "place", "times").rows() == [("b", 1, 1), ("b", 2, 0)]
    assert first["liked_at"].to_list() == [START + 2 * HOUR, None]
    assert first["viewed_at"].null_count() == first["rejected_at"].null_count() == 2
    assert second["viewed_at"].to_list() == [START + 27 * HOUR, None]
    assert second["completed_at"].to_list() == [None, START + 28 * HOUR]
    assert second.select("tuned", "arms").unique().rows() == [(True, '{"try": "b"}')]


def test_spans_do_not_overlap_and_leave_nothing_out(filled: sa.Engine) -> None:
    whole = read_shown(filled, START, START + 3 * DAY)
    for hours in (1, 7, 26, 60):
        parts = [read_shown(filled, START + n * HOUR, START + (n + hours) * HOUR) for n in range(0, 72, hours)]
        assert pl.concat(parts).sort("list_id", "place").equals(whole)


def test_what_was_taken_back_counts_for_nothing(filled: sa.Engine) -> None:
    EventStore(filled).append([did("x", 40, "like", "c")])
    span = (START + 36 * HOUR, START + 3 * DAY)
    assert read_shown(filled, *span).select("list_id", "liked_at").rows() == [("c", START + 40 * HOUR)]
    EventStore(filled).undo("u-x-like-40-c", "u")
    assert read_shown(filled, *span).is_empty()


def test_a_list_that_is_erased_drops_out(filled: sa.Engine) -> None:
    ListStore(filled).forget("u")
    assert read_shown(filled, START, START + 9 * DAY).is_empty()
