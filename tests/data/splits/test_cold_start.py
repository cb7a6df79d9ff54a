from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.columns import ITEM_INDEX, TIMESTAMP, USER_INDEX
from nightschool.contract import Split
from nightschool.data.dataset import EventLog
from nightschool.data.splits.cold_start import ITEMS, PROTOCOLS, USERS, among_new, first_events, leave_out, new_items
from nightschool.data.splits.splitting import TEST, TRAIN, VALIDATION
from tests.data.logs import Row, log_of

ROWS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=80)


def busy(n_users: int = 10, n_items: int = 10) -> EventLog:
    """Every user meets every item, one a day, each user beginning with another."""
    return log_of([(user, (user + day) % n_items, day) for user in range(n_users) for day in range(n_items)])


def taught(split: Split, column: str) -> set[int]:
    return set(split.fitted.pairs[column].to_list())


@pytest.mark.parametrize(("protocol", "column"), [(USERS, USER_INDEX), (ITEMS, ITEM_INDEX)])
def test_a_fifth_is_held_out_whole_and_a_fifth_of_the_rest_for_tuning(protocol: str, column: str) -> None:
    log = busy()
    cut = leave_out(log, protocol, seed=1)
    owners = [set(log.events.filter(pl.Series(cut.part(label)))[column]) for label in (TRAIN, VALIDATION, TEST)]
    assert [len(part) for part in owners] == [6, 2, 2]
    assert len(set().union(*owners)) == 10
    again, other = (leave_out(log, protocol, seed=seed).labels for seed in (1, 2))
    assert again.tolist() == cut.labels.tolist() != other.tolist()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_who_is_held_out_does_not_depend_on_the_order_of_the_rows(protocol: str) -> None:
    rows: list[Row] = [(user, user % 5, user) for user in range(20)]
    labels, backwards = (leave_out(log_of(each), protocol, seed=3).labels for each in (rows, rows[::-1]))
    assert labels.tolist() == backwards[::-1].tolist()


@pytest.mark.parametrize("count", [1, 3, 5])
def test_new_users_are_known_by_their_first_events_alone(count: int) -> None:
    log = busy()
    cut = leave_out(log, USERS, seed=1)
    split = first_events(log, cut, TEST, count, seed=1)
    new = set(log.events.filter(pl.Series(cut.part(TEST)))[USER_INDEX])
    seen = split.fitted.interactions.filter(pl.col(USER_INDEX).is_in(list(new)))
    assert seen.height == count * len(new)
    latest = seen[TIMESTAMP].max()
    assert isinstance(latest, datetime)
    assert latest.day == count  # the first day of the month is day 0
    assert split.held_out.height == (10 - count) * len(new)
    assert taught(split, USER_INDEX).isdisjoint(new)
    assert len(taught(split, USER_INDEX)) == 8


def test_tuning_does_not_know_the_users_of_the_test() -> None:
    log = busy()
    cut = leave_out(log, USERS, seed=1)
    split = first_events(log, cut, VALIDATION, 3, seed=1)
    tested = set(log.events.filter(pl.Series(cut.part(TEST)))[USER_INDEX])
    assert tested.isdisjoint(split.fitted.interactions[USER_INDEX].to_list())
    assert tested.isdisjoint(split.held_out[USER_INDEX].to_list())
    assert len(taught(split, USER_INDEX)) == 6


def test_users_with_little_to_measure_are_measured_at_no_count() -> None:
    log = log_of([(user, item, item) for user in range(10) for item in range(5 + user % 2)])
    cut = leave_out(log, USERS, seed=0)
    lengths = np.bincount(log.events[USER_INDEX].to_numpy())
    measured = [set(first_events(log, cut, TEST, count, seed=0).held_out[USER_INDEX]) for count in (1, 5)]
    assert measured[0] == measured[1]
    assert all(lengths[user] == 6 for user in measured[0])


def test_without_times_the_first_events_are_a_seeded_draw() -> None:
    log = log_of([(user, item, None) for user in range(10) for item in range(8)])
    cut = leave_out(log, USERS, seed=1)

    def first(seed: int) -> list[tuple[int, ...]]:
        dataset = first_events(log, cut, TEST, 3, seed=seed).fitted
        known = ~dataset.learned if dataset.learned is not None else np.empty(0)
        return dataset.interactions.filter(pl.Series(known)).select(USER_INDEX, ITEM_INDEX).rows()

    assert first(1) == first(1) != first(2)
    assert len(first(1)) == 3 * 2


def test_nothing_is_learned_of_new_items_which_are_candidates_all_the_same() -> None:
    log = busy()
    cut = leave_out(log, ITEMS, seed=1)
    split = new_items(log, cut, TEST)
    new = set(split.held_out[ITEM_INDEX])
    assert len(new) == 2
    assert new.isdisjoint(split.fitted.interactions[ITEM_INDEX].to_list())
    assert split.fitted.available.all()
    assert set(np.flatnonzero(among_new(split).fitted.available)) == new
    tuning = new_items(log, cut, VALIDATION)
    assert set(tuning.held_out[ITEM_INDEX]).isdisjoint(new)
    assert new.isdisjoint(tuning.fitted.interactions[ITEM_INDEX].to_list())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_given_test_is_left_alone(protocol: str) -> None:
    log = log_of([(user, user, 0) for user in range(5)], held_out=[(user, 9, 1) for user in range(5)])
    cut = leave_out(log, protocol, seed=0)
    split = first_events(log, cut, TEST, 1, seed=0) if protocol == USERS else new_items(log, cut, TEST)
    given_item = log.events[ITEM_INDEX][-1]
    assert given_item not in split.held_out[ITEM_INDEX]
    assert given_item not in split.fitted.interactions[ITEM_INDEX]


@given(rows=ROWS, seed=st.integers(0, 3), count=st.sampled_from([1, 3, 5]))
def test_whole_means_whole(rows: list[Row], seed: int, count: int) -> None:
    log = log_of(rows)
    for protocol, column in ((USERS, USER_INDEX), (ITEMS, ITEM_INDEX)):
        cut = leave_out(log, protocol, seed=seed)
        parts = log.events.with_columns(pl.Series("part", cut.labels)).group_by(column).agg(pl.col("part").n_unique())
        assert (parts["part"] == 1).all()
    cut = leave_out(log, USERS, seed=seed)
    split = first_events(log, cut, TEST, count, seed=seed)
    seen = split.fitted.interactions.select(USER_INDEX, ITEM_INDEX)
    assert seen.join(split.held_out, on=[USER_INDEX, ITEM_INDEX]).is_empty()
