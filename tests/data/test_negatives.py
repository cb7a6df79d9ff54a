from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from nightschool.columns import ITEM_INDEX, SCORE, USER_INDEX
from nightschool.contract import Dataset
from nightschool.data.negatives import sample_negatives


def dataset_of(rows: list[tuple[int, int, float]], available: list[bool], n_users: int) -> Dataset:
    """Rows of user, item, score, each pair once."""
    pairs = pl.DataFrame(
        sorted(rows), schema={USER_INDEX: pl.Int32, ITEM_INDEX: pl.Int32, SCORE: pl.Float32}, orient="row"
    )
    users, items = pl.Series(range(n_users)), pl.Series(range(len(available)))
    return Dataset(users, items, pairs, users.to_frame(), items.to_frame(), np.array(available))


def test_each_positive_gets_its_share_of_unseen_available_items() -> None:
    dataset = dataset_of([(0, 0, 1), (0, 3, 1), (1, 1, 1)], [True] * 9 + [False], 3)
    drawn = sample_negatives(dataset, 2, seed=0)
    assert Counter(drawn[USER_INDEX]) == {0: 4, 1: 2}
    assert drawn.is_unique().all()
    assert not {(0, 0), (0, 3), (1, 1)} & {*drawn.rows()}
    assert 9 not in drawn[ITEM_INDEX]
    assert drawn.schema == {USER_INDEX: pl.Int32, ITEM_INDEX: pl.Int32}


def test_dislikes_and_what_is_set_aside_are_neither_answered_nor_drawn() -> None:
    dataset = dataset_of([(0, 0, 1), (0, 1, -5), (0, 2, 1), (1, 0, 1)], [True] * 4, 2)
    apart = replace(dataset, learned=np.array([True, True, False, False]))
    assert sample_negatives(apart, 5, seed=0).rows() == [(0, 3)]
    assert sample_negatives(dataset, 1, seed=0).rows()[0] == (0, 3)


def test_who_has_seen_everything_gets_none() -> None:
    assert sample_negatives(dataset_of([(0, 0, 1), (0, 1, 1)], [True, True], 1), 3, seed=0).is_empty()


def test_all_unseen_items_are_equally_likely() -> None:
    n = 6_000
    few = sample_negatives(dataset_of([(user, 2, 1) for user in range(n)], [True] * 5, n), 1, seed=1)
    most = sample_negatives(dataset_of([(user, 2, 1) for user in range(n)], [True] * 5, n), 3, seed=1)
    for drawn, each in ((few, n / 4), (most, n * 3 / 4)):
        counts = np.bincount(drawn[ITEM_INDEX].to_numpy(), minlength=5)
        assert counts[2] == 0
        # Four standard deviations of a binomial count.
        assert np.abs(counts[[0, 1, 3, 4]] - each).max() < 4 * np.sqrt(n * 3 / 16)


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    dataset = dataset_of([(user, user % 7, 1) for user in range(50)], [True] * 60, 50)
    once = sample_negatives(dataset, 4, seed=5)
    assert_frame_equal(once, sample_negatives(dataset, 4, seed=5))
    assert not once.equals(sample_negatives(dataset, 4, seed=6))


@given(
    met=st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 6)), st.sampled_from([1.0, 0.0, -5.0])),
    available=st.lists(st.booleans(), min_size=7, max_size=7),
    per_positive=st.integers(1, 4),
    seed=st.integers(0, 3),
)
def test_drawn_pairs_are_new_available_and_as_many_as_there_can_be(
    met: dict[tuple[int, int], float], available: list[bool], per_positive: int, seed: int
) -> None:
    drawn = sample_negatives(
        dataset_of([(*pair, score) for pair, score in met.items()], available, 4), per_positive, seed
    )
    rows = drawn.rows()
    assert rows == sorted(set(rows))
    assert all(available[item] and (user, item) not in met for user, item in rows)
    for user in range(4):
        wanted = per_positive * sum(score > 0 for (owner, _), score in met.items() if owner == user)
        there = sum(there and (user, item) not in met for item, there in enumerate(available))
        assert sum(owner == user for owner, _ in rows) == min(wanted, there)
