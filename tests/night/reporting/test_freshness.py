from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.columns import ALWAYS, AVAILABLE_AT, INSTANT, ITEM_ID, METRICS, RANK, TITLE, USER_ID
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.night.reporting.freshness import births, freshness_figures, measure_freshness
from tests.data.logs import IMPLICIT, Row, day, frame_of, log_of

T = day(100)
NOTHING = dict.fromkeys(
    ["new_item_events_7d", "new_item_events_30d", "new_item_places_7d", "new_item_places_30d"],
)


def lists(*rows: tuple[int, int, int]) -> pl.DataFrame:
    """Rows of user, item, rank."""
    return pl.DataFrame(rows, schema={USER_ID: pl.Int64, ITEM_ID: pl.Int64, RANK: pl.Int32}, orient="row")


def log_with(available: dict[int, datetime], rows: Sequence[Row]) -> EventLog:
    """Events, and a table of items with the instants since when they are available."""
    items = pl.DataFrame({ITEM_ID: list(available), TITLE: "x", "text": ""}).with_columns(
        pl.Series(AVAILABLE_AT, list(available.values()), dtype=INSTANT)
    )
    return build_event_log(None, items, frame_of(rows), IMPLICIT)


def born(log: EventLog) -> dict[int, datetime | None]:
    return dict(zip(log.empty.item_ids, births(log), strict=True))


def test_an_item_is_born_when_it_became_available_or_else_at_its_first_event() -> None:
    rows: list[Row] = [(1, 1, 50), (1, 1, 40), (1, 2, 60), (1, 3, 70), (1, 9, 20), (1, 3, None)]
    log = log_with({1: ALWAYS, 2: day(55), 3: day(80), 4: day(90), 5: ALWAYS}, rows)
    # An event before the table's instant shows that an item was there; 9 is in no table, and nothing is known of 5.
    assert born(log) == {1: day(40), 2: day(55), 3: day(70), 4: day(90), 5: None, 9: day(20)}
    assert born(log_of([(1, 7, 3), (2, 7, 2)])) == {7: day(2)}


def test_shares_by_hand() -> None:
    rows: list[Row] = [
        *((user, 1, 95) for user in (1, 2, 3)),  # item 1 is 1 day old then
        (1, 2, 90),  # item 2 is 20 days old
        *((user, 3, 99) for user in (1, 2, 3, 4)),  # item 3 is very old
        (1, 3, 2),
        (4, 3, 72),  # 28 days before T: no longer recent
    ]
    log = log_with({1: day(94), 2: day(70), 3: ALWAYS}, rows)
    tonight = lists((1, 1, 1), (1, 2, 2), (2, 3, 10), (2, 1, 11), (3, 2, 1))
    found = measure_freshness(log, tonight, T)
    assert freshness_figures(found) == {
        "new_item_events_7d": 3 / 8,
        "new_item_events_30d": 4 / 8,
        "new_item_places_7d": 1 / 4,
        "new_item_places_30d": 1 / 4,
    }
    assert found.select("model", "split", "segment").unique().rows() == [("lists", "all", "all")]
    assert found.select("metric", "k", "n_users").rows() == [
        ("new_item_events_7d", None, 4),
        ("new_item_events_30d", None, 4),
        ("new_item_places_7d", 10, 3),
        ("new_item_places_30d", 10, 3),
    ]
    wanted = METRICS.schema(user_id=pl.Int64(), item_id=pl.Int64())
    assert dict(found.schema) == {name: dtype for name, dtype in wanted.items() if name != "release_id"}


@pytest.mark.parametrize(("age", "young"), [(7, 0.0), (6.999, 1.0)])
def test_an_item_of_seven_days_is_no_longer_young(age: float, young: float) -> None:
    log = log_with({1: T - timedelta(days=age)}, [(1, 1, 99.9999)])
    assert freshness_figures(measure_freshness(log, lists((1, 1, 1)), T))["new_item_places_7d"] == young


def test_data_without_time_have_no_ages() -> None:
    log = log_of([(1, 1, None), (2, 1, None), (2, 2, None)])
    found = measure_freshness(log, lists((1, 2, 1)), T)
    assert found.is_empty()
    assert freshness_figures(found) == NOTHING


def test_where_nothing_happened_of_late_the_share_of_events_is_not_known() -> None:
    found = measure_freshness(log_of([(1, 1, 10)]), lists((1, 1, 1)), T)
    assert freshness_figures(found) == {**NOTHING, "new_item_places_7d": 0.0, "new_item_places_30d": 0.0}


Triples = list[tuple[int, int, int]]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 100)), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(1, 14)), min_size=1, max_size=30),
)
def test_shares_equal_those_of_plain_loops(events: Triples, places: Triples) -> None:
    first: dict[int, int] = {}
    for _, item, when in events:
        first[item] = min(when, first.get(item, when))
    ages = [when - first[item] for _, item, when in events if when > 72]
    shown = [100 - first[item] if item in first else None for _, item, rank in places if rank <= 10]
    found = freshness_figures(measure_freshness(log_of([*events]), lists(*places), T))
    for days in (7, 30):
        for name, all_ages in (("events", ages), ("places", shown)):
            young = [age is not None and age < days for age in all_ages]
            assert found[f"new_item_{name}_{days}d"] == (pytest.approx(sum(young) / len(young)) if young else None)
