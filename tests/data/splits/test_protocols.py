import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.columns import ITEM_INDEX, TIMESTAMP, USER_INDEX
from nightschool.contract import Mask
from nightschool.data.dataset import EventLog
from nightschool.data.splits.protocols import (
    PROTOCOLS,
    last_session,
    leave_last,
    random_user,
    stratified_item,
    temporal_user,
)
from nightschool.hashing import hash_ids, hash_pairs
from tests.data.logs import Row, log_of

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.none() | st.integers(0, 9)), min_size=1, max_size=60)


def everything(log: EventLog) -> Mask:
    return np.ones(log.events.height, dtype=bool)


def held(log: EventLog, mask: Mask) -> list[int]:
    assert mask.dtype == bool
    assert len(mask) == log.events.height
    return np.flatnonzero(mask).tolist()


def test_temporal_user_holds_out_the_last_fifth() -> None:
    log = log_of([(0, item, 9 - item) for item in range(10)] + [(1, 0, 1), (1, 1, 2), (2, 0, 1), (2, 1, 2), (2, 2, 3)])
    assert held(log, temporal_user(log, everything(log), 0)) == [0, 1, 14]


def test_temporal_user_takes_equal_times_in_source_order_and_no_time_first() -> None:
    log = log_of([(0, 0, 3), (0, 1, 3), (0, 2, 3), (0, 3, None), (0, 4, 2)])
    assert held(log, temporal_user(log, everything(log), 0)) == [2]


def test_leave_last_spares_users_with_one_row() -> None:
    log = log_of([(0, 0, 3), (0, 1, 5), (0, 2, 4), (1, 0, 9)])
    assert held(log, leave_last(log, everything(log), 0)) == [1]


@given(ROWS, st.integers(0, 3))
def test_last_session_equals_a_plain_loop(rows: list[Row], days: int) -> None:
    log = log_of(rows)
    expected = []
    for user in {row[0] for row in rows}:
        own = [(-1000 if row[2] is None else row[2], place) for place, row in enumerate(rows) if row[0] == user]
        sessions: list[list[int]] = []
        before = None
        for day, place in sorted(own):
            if before is None or day - before > days:
                sessions.append([])
            sessions[-1].append(place)
            before = day
        expected += sessions[-1] if len(sessions) > 1 else []
    assert held(log, last_session(log, everything(log), 0, minutes=days * 1440)) == sorted(expected)


@given(ROWS, st.integers(0, 3))
def test_random_user_equals_a_plain_loop(rows: list[Row], seed: int) -> None:
    log = log_of(rows)
    user_hash, item_hash = (
        dict(zip(ids, hash_ids(ids), strict=True)) for ids in (log.empty.user_ids, log.empty.item_ids)
    )

    def draw(user: int, item: int) -> int:
        return int(hash_pairs(np.array([user_hash[user]]), np.array([item_hash[item]]), seed=seed)[0])

    expected = []
    for user in {row[0] for row in rows}:
        pairs = sorted({row[:2] for row in rows if row[0] == user}, key=lambda pair: draw(*pair))
        n_held = int(0.2 * len(pairs) + 0.5)
        chosen = pairs[len(pairs) - n_held :]
        expected += [place for place, row in enumerate(rows) if row[:2] in chosen]
    assert held(log, random_user(log, everything(log), seed)) == sorted(expected)


def test_random_user_depends_on_the_seed_and_not_on_the_order_of_rows() -> None:
    rows: list[Row] = [(0, item, None) for item in range(40)]
    log, reverse = log_of(rows), log_of(rows[::-1])
    first = random_user(log, everything(log), 1)
    assert first.sum() == 8
    assert (random_user(reverse, everything(reverse), 1)[::-1] == first).all()
    assert (random_user(log, everything(log), 2) != first).any()


def test_stratified_item_draws_in_source_order() -> None:
    rows: list[Row] = [(user, user % 2, None) for user in range(9)]
    log = log_of(rows)
    drawn = np.random.RandomState(42).rand(9)
    evens, odds = (sorted(range(start, 9, 2), key=lambda row: drawn[row]) for start in (0, 1))
    assert held(log, stratified_item(log, everything(log), 42)) == sorted(evens[4:] + odds[3:])


@pytest.mark.parametrize("name", PROTOCOLS)
@given(rows=ROWS, seed=st.integers(0, 3), data=st.data())
def test_only_rows_that_may_be_divided_are_held_out(name: str, rows: list[Row], seed: int, data: st.DataObject) -> None:
    log = log_of(rows)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    for divide in PROTOCOLS[name]:
        mask = divide(log, allowed, seed)
        assert not (mask & ~allowed).any()
        np.testing.assert_array_equal(mask, divide(log, allowed, seed))


@pytest.mark.parametrize("name", ["temporal-user", "leave-last", "next-session"])
@given(rows=ROWS)
def test_within_a_user_nothing_held_out_precedes_what_is_kept(name: str, rows: list[Row]) -> None:
    log = log_of(rows)
    mask = PROTOCOLS[name][0](log, everything(log), 0)
    events = log.events.with_columns(pl.Series("held", mask)).sort(TIMESTAMP, nulls_last=False, maintain_order=True)
    in_order = events.select(pl.col("held").cast(pl.Int8).diff().over(USER_INDEX).min()).item()
    assert in_order is None or in_order >= 0


def test_protocol_a_is_the_published_split_of_movielens_100k() -> None:
    file = Path(os.environ.get("NIGHTSCHOOL_TEST_DATA", "../shared/data")) / "movielens-100k" / "u.data"
    if not file.exists():
        pytest.skip(f"no {file}: set NIGHTSCHOOL_TEST_DATA to the folder of the test data")
    ratings = pl.read_csv(file, separator="\t", has_header=False, new_columns=["user", "item", "rating", "time"])
    log = log_of([(user, item, None) for user, item, *_ in ratings.rows()])
    mask = stratified_item(log, everything(log), 42)
    assert (mask.sum(), (~mask).sum()) == (24_934, 75_066)
    drawn = ratings.with_columns(pl.Series("r", np.random.RandomState(42).rand(ratings.height))).with_row_index()
    expected: list[int] = []
    for group in drawn.partition_by("item"):
        expected += group.sort("r")["index"].to_list()[: round(0.75 * group.height)]
    assert np.flatnonzero(~mask).tolist() == sorted(expected)
    assert log.events[ITEM_INDEX].n_unique() == 1682
