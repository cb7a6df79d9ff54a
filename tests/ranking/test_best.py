import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.ranking.best import find_best, keep_best, reached_by, scratch


def empty(n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full((n, k), -1, dtype=np.int32), np.full((n, k), -np.inf, dtype=np.float32)


def test_the_best_come_first_and_ties_by_index():
    items, values = empty(2, 3)
    scores = np.array([[1, 5, 5, 2], [-np.inf, 0, -np.inf, -np.inf]], dtype=np.float32)
    assert keep_best(scores, items, values) == 0
    assert items.tolist() == [[1, 2, 3], [1, -1, -1]]
    assert values.tolist() == [[5, 5, 2], [0, -np.inf, -np.inf]]


@given(st.lists(st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, 2.0, np.inf]), min_size=1, max_size=40), st.data())
def test_a_bound_is_reached_by_k_values_and_exceeded_by_no_more(values, data):
    k = data.draw(st.integers(1, len(values)))
    bound = reached_by(np.array(values, dtype=np.float32), k)
    assert bound == np.finfo(np.float32).min or sum(value >= bound for value in values) >= k
    assert sum(value > bound for value in values) <= k
    assert bound > -np.inf


def test_nan_is_counted_in_every_row():
    scores = np.array([[np.nan, 1], [2, np.nan], [3, 4]], dtype=np.float32)
    assert keep_best(scores, *empty(3, 1)) == 2


@pytest.mark.parametrize("place", [0, 63, 64, 149])
def test_nan_is_seen_among_numbers_that_are_all_better_or_all_worse(place):
    for scores in (np.zeros(150, dtype=np.float32), np.full(150, -np.inf, dtype=np.float32)):
        scores[place] = np.nan
        assert find_best(scores, 3, *scratch(150, 3)) == -1


@given(st.lists(st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 1.0, 2.0]), max_size=30), st.integers(1, 12))
def test_a_row_is_ranked_as_a_stable_sort_would(row, k):
    items, values = empty(1, k)
    keep_best(np.array([row], dtype=np.float32), items, values)
    ranked = sorted((item for item in range(len(row)) if row[item] > -np.inf), key=lambda item: -row[item])[:k]
    assert items[0].tolist() == ranked + [-1] * (k - len(ranked))
    assert values[0, : len(ranked)].tolist() == [row[item] for item in ranked]


@given(st.integers(0, 1000), st.integers(1, 60), st.sampled_from([130, 1000, 1037]))
def test_the_k_best_are_found_in_the_order_of_their_index(seed, k, n_items):
    row = np.random.default_rng(seed).normal(size=n_items).astype(np.float32)
    maxima, found = scratch(n_items, k)
    assert find_best(row, k, maxima, found) == k
    assert found[:k].tolist() == sorted(np.argsort(-row)[:k].tolist())


@given(st.integers(0, 1000), st.sampled_from([1, 5, 50, 600]), st.sampled_from([0.0, -1.0, 3e38]))
def test_scores_a_last_bit_apart_are_told_apart_in_crowded_rows(seed, k, lowest):
    rungs = [np.float32(lowest)]
    for _ in range(3):
        rungs.append(np.nextafter(rungs[-1], np.float32(np.inf)))
    row = np.random.default_rng(seed).choice(np.array(rungs), 1000)
    items, values = empty(1, k)
    keep_best(row[None, :], items, values)
    assert items[0].tolist() == np.argsort(-row, kind="stable")[:k].tolist()
    assert np.array_equal(values[0], row[items[0]])
