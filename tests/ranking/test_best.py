import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nightschool.ranking.best import count_nan, find_best, keep_best, kth_largest, scratch


def empty(n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full((n, k), -1, dtype=np.int32), np.full((n, k), -np.inf, dtype=np.float32)


def test_the_best_come_first_and_ties_by_index():
    items, values = empty(2, 3)
    scores = np.array([[1, 5, 5, 2], [-np.inf, 0, -np.inf, -np.inf]], dtype=np.float32)
    assert keep_best(scores, items, values) == 0
    assert items.tolist() == [[1, 2, 3], [1, -1, -1]]
    assert values.tolist() == [[5, 5, 2], [0, -np.inf, -np.inf]]


@given(st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0, np.inf]), min_size=1, max_size=40), st.data())
def test_the_kth_largest_is_the_sorts(values, data):
    k = data.draw(st.integers(1, len(values)))
    assert kth_largest(np.array(values, dtype=np.float32), k) == sorted(values, reverse=True)[k - 1]


def test_nan_is_counted_in_every_row():
    scores = np.array([[np.nan, 1], [2, np.nan], [3, 4]], dtype=np.float32)
    assert keep_best(scores, *empty(3, 1)) == 2
    assert count_nan(scores[0]) == 1


@given(st.lists(st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 1.0, 2.0]), max_size=30), st.integers(1, 12))
def test_a_row_is_ranked_as_a_stable_sort_would(row, k):
    items, values = empty(1, k)
    keep_best(np.array([row], dtype=np.float32), items, values)
    ranked = sorted((item for item in range(len(row)) if row[item] > -np.inf), key=lambda item: -row[item])[:k]
    assert items[0].tolist() == ranked + [-1] * (k - len(ranked))
    assert values[0, : len(ranked)].tolist() == [row[item] for item in ranked]


@given(st.integers(0, 1000), st.integers(1, 60), st.sampled_from([130, 1000, 1037]))
def test_what_is_found_holds_the_k_best_in_the_order_of_their_index_and_few_others(seed, k, n_items):
    row = np.random.default_rng(seed).normal(size=n_items).astype(np.float32)
    maxima, found, negated = scratch(n_items, k)
    n_found = find_best(row, k, maxima, found, negated)
    assert set(np.argsort(-row)[:k].tolist()) <= set(found[:n_found].tolist())
    assert np.all(np.diff(found[:n_found]) > 0)
    assert np.array_equal(-negated[:n_found], row[found[:n_found]])
    assert k <= n_found <= 4 * k + 64
