from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.columns import (
    ALWAYS,
    AVAILABLE_AT,
    BOT_EVENT,
    EVENT,
    INSTANT,
    ITEM_ID,
    ITEM_INDEX,
    RELEVANT,
    SCORE,
    TIMESTAMP,
    USER_ID,
    USER_INDEX,
)
from nightschool.contract import Dataset, Split
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.data.filters import Filtered, Rules, check_rules, filter_events, suspected_bots
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.data.negatives import sample_negatives
from nightschool.errors import ConfigurationError, DataRefused
from tests.data.logs import START, as_ingested

OPEN = Rules(bot_ceiling=1)

Row = tuple[int, int, float | None, bool]


def events(*rows: Row) -> pl.DataFrame:
    """Rows of user, item, second, whether it is a bot event."""
    frame = pl.DataFrame(
        [(row[0], row[1], row[3]) for row in rows],
        schema={USER_INDEX: pl.Int32, ITEM_INDEX: pl.Int32, BOT_EVENT: pl.Boolean},
        orient="row",
    )
    times = [None if row[2] is None else START + timedelta(seconds=row[2]) for row in rows]
    return frame.with_columns(pl.Series(TIMESTAMP, times, dtype=INSTANT))


def views(user: int, *seconds: float | None) -> list[Row]:
    return [(user, 0, second, True) for second in seconds]


# suspected bots


HASTE: dict[str, tuple[list[Row], bool]] = {
    "three in haste": (views(0, 0, 5, 10, 15), True),
    "two in haste are not more than two": (views(0, 0, 5, 10), False),
    "the third a moment late": (views(0, 0, 5, 10, 15.1), False),
    "in any order": (views(0, 15, 0, 10, 5), True),
    "at one instant": (views(0, 0, 0, 0, 0), True),
    "without time": (views(0, None, None, None, None), False),
    "one without time before": (views(0, None, 5, 10, 15), False),
    "three of fifteen": ([*views(0, 0, 1, 2, 3), *((0, 0, 60.0 * late, False) for late in range(1, 12))], False),
    "three of fourteen": ([*views(0, 0, 1, 2, 3), *((0, 0, 60.0 * late, False) for late in range(1, 11))], True),
    "after an event of another type": ([(0, 0, 0, False), *views(0, 1, 2, 3)], True),
    "the third is of another type": ([*views(0, 0, 1, 2), (0, 0, 3, False)], False),
}


@pytest.mark.parametrize(("rows", "suspected"), HASTE.values(), ids=HASTE)
def test_a_bot_is_told_by_its_haste(rows: list[Row], suspected: bool) -> None:
    assert suspected_bots(events(*rows), 2, OPEN).tolist() == [suspected, False]


def test_one_users_haste_is_not_anothers() -> None:
    rows = [row for turn in range(4) for row in (*views(0, 10 * turn), *views(1, 10 * turn + 1))]
    assert not suspected_bots(events(*rows), 2, OPEN).any()


def test_how_much_haste_is_too_much_can_be_set() -> None:
    log = events(*views(0, 0, 5, 10, 15), *views(1, 0, 50, 100, 150))
    assert suspected_bots(log, 2, Rules(bot_seconds=50, bot_ceiling=1)).tolist() == [True, True]
    assert suspected_bots(log, 2, Rules(bot_seconds=4, bot_ceiling=1)).tolist() == [False, False]
    assert not suspected_bots(log, 2, Rules(bot_events=3, bot_ceiling=1)).any()
    assert not suspected_bots(log, 2, Rules(bot_share=0.75, bot_ceiling=1)).any()


def test_too_many_suspects_are_refused() -> None:
    crowd = [row for user in range(1, 20) for row in views(user, 0)]
    log = events(*views(0, 0, 1, 2, 3), *crowd)
    assert suspected_bots(log, 99, Rules()).sum() == 1
    with pytest.raises(DataRefused, match=r"suspected bots; saw '5\.3% of 19, above bot_ceiling=0\.05'"):
        suspected_bots(log.filter(pl.col(USER_INDEX) < 19), 99, Rules())


@given(st.lists(st.tuples(st.integers(0, 2), st.just(0), st.none() | st.integers(0, 40), st.booleans()), max_size=30))
def test_haste_equals_a_plain_loop(rows: list[Row]) -> None:
    expected = []
    for user in range(3):
        mine = sorted((row for row in rows if row[0] == user), key=lambda row: -1 if row[2] is None else row[2])
        hasty = [
            after
            for before, after in pairwise(mine)
            if after[3] and before[2] is not None and after[2] is not None and after[2] - before[2] <= 5
        ]
        expected.append(len(hasty) > 2 and len(hasty) > 0.2 * len(mine))
    assert suspected_bots(events(*rows), 3, OPEN).tolist() == expected


# minimum interactions


def pairs(*rows: tuple[int, int]) -> pl.DataFrame:
    return events(*((user, item, None, False) for user, item in rows))


def test_rules_that_leave_everything_say_so() -> None:
    log = pairs((0, 0), (0, 0), (1, 1))
    assert filter_events(log, (3, 3), Rules()) is None
    assert filter_events(log.head(2), (3, 3), Rules(min_user_events=2, min_item_events=2)) is None


def test_dropping_one_may_leave_another_too_seldom() -> None:
    # Item 2 is met once; without it user 1 has one event, and without them item 1 has one.
    log = pairs((0, 0), (0, 0), (0, 1), (1, 1), (1, 2))
    kept = filter_events(log, (3, 3), Rules(min_user_events=2, min_item_events=2))
    assert kept is not None
    assert kept.users.tolist() == [True, False, False]
    assert kept.items.tolist() == [True, False, False]
    assert kept.teaches(log).tolist() == [True, True, False, False, False]


def test_what_bots_met_counts_for_nobody() -> None:
    log = events(*views(0, 0, 1, 2, 3), (1, 0, 0, True), (1, 1, 90, True), (2, 1, 0, True))
    kept = filter_events(log, (3, 2), OPEN.model_copy(update={"min_item_events": 2}))
    assert kept is not None
    assert kept.bots.tolist() == [True, False, False]
    assert kept.users.tolist() == [False, True, True]
    assert kept.items.tolist() == [False, True]


def test_filters_that_leave_nothing_are_refused() -> None:
    with pytest.raises(DataRefused, match=r"nothing to learn from; saw 'min_user_events=9, min_item_events=1'; lower"):
        filter_events(pairs((0, 0)), (1, 1), Rules(min_user_events=9))


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_the_core_equals_a_plain_loop(rows: list[tuple[int, int]], least_user: int, least_item: int) -> None:
    left = list(rows)
    while True:
        still = [
            (user, item)
            for user, item in left
            if sum(u == user for u, _ in left) >= least_user and sum(i == item for _, i in left) >= least_item
        ]
        if len(still) == len(left):
            break
        left = still
    rules = Rules(min_user_events=least_user, min_item_events=least_item)
    if not left:
        with pytest.raises(DataRefused):
            filter_events(pairs(*rows), (5, 5), rules)
        return
    kept = filter_events(pairs(*rows), (5, 5), rules) or Filtered.everything((5, 5))
    assert [row for row, taught in zip(rows, kept.teaches(pairs(*rows)), strict=True) if taught] == left


def test_ratings_do_not_decay() -> None:
    with pytest.raises(ConfigurationError, match=r"half_life_days.*ratings; saw 30"):
        check_rules(Rules(half_life_days=30), load_manifest("movielens-100k"))
    check_rules(Rules(half_life_days=30), load_manifest("learning"))
    check_rules(Rules(), load_manifest("movielens-100k"))


# in a log: what is learned from, what is seen, what is held out

MANIFEST = Manifest.model_validate(
    {
        "name": "tiny",
        "score": "events",
        "bots": ["view"],
        "interactions": {
            "files": ["x"],
            "user": "u",
            "item": "i",
            "event": "e",
            "timestamp": {"column": "t", "unit": "s"},
        },
        "items": {"files": ["y"], "id": "i"},
        "users": {"files": ["z"], "id": "u"},
    }
)
ALL = Rules(half_life_days=1e-4, bot_ceiling=1, min_user_events=2, min_item_events=2)

Event = tuple[int, int, int, str]


def log_of(rows: list[Event], rules: Rules) -> EventLog:
    """Rows of user (below 4), item (below 6), second, event; everybody and everything is declared."""
    users, items = (
        pl.DataFrame({key: range(n)}).with_columns(pl.lit(ALWAYS).cast(INSTANT).alias(AVAILABLE_AT))
        for key, n in ((USER_ID, 4), (ITEM_ID, 6))
    )
    frame = pl.DataFrame(
        [(row[0], row[1], START + timedelta(seconds=row[2]), row[3]) for row in rows],
        schema=[USER_ID, ITEM_ID, TIMESTAMP, EVENT],
        orient="row",
    )
    return replace(build_event_log(users, items, as_ingested(frame), MANIFEST), rules=rules)


def split_at(rows: list[Event], second: int, rules: Rules) -> Split:
    log = log_of(rows, rules)
    fitted = np.array([row[2] <= second for row in rows])
    return log.split("test", "by-hand", fitted, ~fitted, START + timedelta(seconds=second))


def met(dataset: Dataset, frame: pl.DataFrame) -> set[tuple[int, int]]:
    """User and item ids of pairs."""
    return {*zip(dataset.user_ids[frame[USER_INDEX]], dataset.item_ids[frame[ITEM_INDEX]], strict=True)}


def test_bots_teach_nothing_and_are_not_tested_but_what_they_saw_is_seen() -> None:
    rows: list[Event] = [(0, item, item, "view") for item in range(4)]
    rows += [(1, 0, 0, "view"), (2, 1, 50, "enroll"), (0, 5, 100, "view"), (1, 5, 100, "view")]
    split = split_at(rows, 99, Rules(bot_ceiling=1))
    fitted = split.fitted
    assert met(fitted, fitted.pairs) == {(1, 0), (2, 1)}
    assert met(fitted, fitted.interactions) == {(1, 0), (2, 1), *((0, item) for item in range(4))}
    assert met(fitted, split.held_out) == {(1, 5)}
    assert {*fitted.user_ids.filter(pl.Series(fitted.cold_users))} == {0, 3}
    assert (fitted.history().nnz, fitted.scores().nnz, fitted.positives().nnz) == (6, 2, 2)


def test_the_seldom_met_teach_nothing_but_are_seen_and_tested() -> None:
    rows: list[Event] = [(0, 0, 0, "view"), (0, 1, 9, "view"), (1, 0, 0, "view"), (1, 0, 9, "view"), (2, 5, 0, "view")]
    split = split_at([*rows, (2, 0, 100, "view")], 99, Rules(min_user_events=2))
    fitted = split.fitted
    assert met(fitted, fitted.pairs) == {(0, 0), (0, 1), (1, 0)}
    assert fitted.history().nnz == 4
    assert met(fitted, split.held_out) == {(2, 0)}
    assert {*fitted.user_ids.filter(pl.Series(fitted.cold_users))} == {3}


def test_ages_are_counted_from_the_newest_fitted_event() -> None:
    rows: list[Event] = [(0, 0, 0, "enroll"), (0, 1, 864, "enroll"), (0, 2, 8640, "enroll")]
    split = split_at(rows, 1000, Rules(half_life_days=0.01))
    assert sorted(split.fitted.history().data) == [5.0, 10.0]
    assert sorted(split.fitted.weighted_positives().data) == [0.5, 1.0]
    assert split.held_out[SCORE].to_list() == [10.0]


def test_a_held_out_dislike_is_never_relevant() -> None:
    rows: list[Event] = [(0, 0, 0, "view"), (0, 1, 9, "enroll"), (0, 1, 10, "hide"), (0, 2, 10, "view")]
    log = log_of(rows, Rules()).with_all_relevant()
    held_out = log.split(
        "test", "by-hand", np.array([True, False, False, False]), np.array([False, True, True, True]), None
    ).held_out
    assert dict(zip(held_out[SCORE], held_out[RELEVANT], strict=True)) == {-10.0: False, 1.0: True}


def test_rules_travel_with_a_saved_log(tmp_path: Path) -> None:
    log_of([(0, 0, 0, "view")], ALL).save(tmp_path)
    assert EventLog.load(tmp_path).rules == ALL


def outcome(rows: list[Event], second: int) -> tuple[Any, ...]:
    """All that is learned from the rows up to a second."""
    try:
        fitted = split_at(rows, second, ALL).fitted
    except DataRefused as refusal:
        return (str(refusal),)
    masks = [None if mask is None else mask.tolist() for mask in (fitted.learned, fitted.set_aside)]
    drawn = sample_negatives(fitted, 2, seed=0).rows()
    return fitted.interactions.rows(), *masks, fitted.available.tolist(), drawn


def rows_between(first: int, last: int, least: int = 0) -> st.SearchStrategy[list[Event]]:
    kinds = st.sampled_from(["view", "enroll", "hide"])
    row = st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(first, last), kinds)
    return st.lists(row, min_size=least, max_size=25)


@given(early=rows_between(0, 20, 1), late=rows_between(21, 40), other=rows_between(21, 40))
def test_no_later_event_changes_what_is_learned(early: list[Event], late: list[Event], other: list[Event]) -> None:
    alone = outcome(early, 20)
    assert outcome([*early, *late], 20) == alone
    assert outcome([*other, *early], 20) == alone
