from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.reranker.splits import rotating_cuts
from nightschool.errors import ConfigurationError

PAIR = ["user_index", "item_index"]


def pairs_of(held):
    return set(held.pairs.select(PAIR).iter_rows())


@pytest.mark.parametrize("cut", ["item", "user"])
def test_shares_take_turns_and_each_pair_is_held_out_once(cut, planted):
    cuts = list(rotating_cuts(planted, cut, 4, seed=1))
    assert len(cuts) == 4
    assert sum(held.pairs.height for held in cuts) == planted.interactions.height
    assert set().union(*(pairs_of(held) for held in cuts)) == set(planted.interactions.select(PAIR).iter_rows())
    for held in cuts:
        assert pairs_of(held).isdisjoint(held.rest.interactions.select(PAIR).iter_rows())
        assert held.pairs.height + held.rest.interactions.height == planted.interactions.height


@pytest.mark.parametrize(("cut", "group"), [("item", "item_index"), ("user", "user_index")])
def test_a_share_is_an_equal_part_of_each_group(cut, group, planted):
    counts = dict(planted.interactions.group_by(group).len().iter_rows())
    for held in rotating_cuts(planted, cut, 4, seed=1):
        for index, count in held.pairs.group_by(group).len().iter_rows():
            assert counts[index] // 4 <= count <= -(-counts[index] // 4)


def test_the_seed_decides_the_shares(planted):
    first, again, other = (next(rotating_cuts(planted, "user", 4, seed=seed)) for seed in (1, 1, 2))
    assert pairs_of(first) == pairs_of(again) != pairs_of(other)


def test_last_holds_out_each_users_newest_pairs_and_then_those_before(dataset_of):
    # Ten pairs a user, an hour apart: two are the last 20 %, and of the eight that are left two again.
    dataset = dataset_of([(user, item, 1.0) for user in range(3) for item in range(10)], 3, 10)
    first, second = rotating_cuts(dataset, "last", 4, seed=0)
    assert pairs_of(first) == {(user, item) for user in range(3) for item in (8, 9)}
    assert pairs_of(second) == {(user, item) for user in range(3) for item in (6, 7)}
    assert second.rest.interactions.height == 18


def test_time_holds_out_what_came_last_of_all(dataset_of):
    dataset = dataset_of([(user, item, 1.0) for user in range(5) for item in range(10)], 5, 10)
    first, second = rotating_cuts(dataset, "time", 4, seed=0)
    assert set(first.pairs["user_index"]) == {4}
    assert second.pairs["timestamp"].max() < first.pairs["timestamp"].min()
    for held in (first, second):
        assert held.rest.interactions["timestamp"].max() < held.pairs["timestamp"].min()


def test_next_holds_out_each_users_newest_pair_again_and_again(dataset_of):
    dataset = dataset_of([(user, item, 1.0) for user in range(3) for item in range(user + 1)], 3, 3)
    cuts = list(rotating_cuts(dataset, "next", 3, seed=0))
    assert [pairs_of(held) for held in cuts] == [{(1, 1), (2, 2)}, {(2, 1)}, set()]


def without_times(dataset):
    missing = pl.lit(None, dataset.interactions["timestamp"].dtype)
    return replace(dataset, interactions=dataset.interactions.with_columns(timestamp=missing))


@pytest.mark.parametrize(("cut", "needed"), [("last", "an order"), ("next", "an order"), ("time", "times")])
def test_cuts_by_order_or_time_need_it(cut, needed, planted):
    with pytest.raises(ConfigurationError, match=f"needs {needed}"):
        next(rotating_cuts(without_times(planted), cut, 4, seed=0))


@pytest.mark.parametrize("cut", ["last", "next"])
def test_order_without_times_is_enough_to_hold_out_what_came_last(cut, planted):
    timed = replace(planted, interactions=planted.interactions.with_columns(position=-pl.col("item_index")))
    ordered = replace(without_times(timed), ordered=True)
    for held in rotating_cuts(ordered, cut, 2, seed=0):
        first = held.rest.interactions.group_by("user_index").agg(pl.col("position").max())
        assert not held.pairs.join(first, on="user_index").filter(pl.col("position") <= pl.col("position_right")).height


def test_nothing_that_came_after_what_is_held_out_is_left_even_if_only_seen(dataset_of):
    dataset = dataset_of([(user, item, 1.0) for user in range(2) for item in range(5)], 2, 5)
    strict = replace(dataset, learned=dataset.interactions["item_index"].to_numpy() < 4)
    first, second = rotating_cuts(strict, "next", 2, seed=0)
    assert pairs_of(first) == {(0, 3), (1, 3)}
    assert set(first.rest.interactions["item_index"]) == {0, 1, 2}
    assert pairs_of(second) == {(0, 2), (1, 2)}


def test_what_may_not_be_learned_from_stays_seen_and_is_never_held_out(planted):
    learned = np.arange(planted.interactions.height) % 3 > 0
    partly = replace(planted, learned=learned)
    cuts = list(rotating_cuts(partly, "user", 4, seed=0))
    unlearned = set(planted.interactions.filter(pl.Series(~learned)).select(PAIR).iter_rows())
    assert set().union(*(pairs_of(held) for held in cuts)) == set(partly.pairs.select(PAIR).iter_rows())
    for held in cuts:
        seen = held.rest.interactions.filter(pl.Series(~held.rest.learned))
        assert set(seen.select(PAIR).iter_rows()) == unlearned
