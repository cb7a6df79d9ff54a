import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nightschool.ranking.heap import keep_best


def empty(n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full((n, k), -1, dtype=np.int32), np.full((n, k), -np.inf, dtype=np.float32)


def test_the_best_come_first_and_ties_by_index():
    items, values = empty(2, 3)
    scores = np.array([[1, 5, 5, 2], [-np.inf, 0, -np.inf, -np.inf]], dtype=np.float32)
    assert keep_best(scores, items, values) == 0
    assert items.tolist() == [[1, 2, 3], [1, -1, -1]]
    assert values.tolist() == [[5, 5, 2], [0, -np.inf, -np.inf]]


def test_nan_is_counted_in_every_row():
    scores = np.array([[np.nan, 1], [2, np.nan], [3, 4]], dtype=np.float32)
    assert keep_best(scores, *empty(3, 1)) == 2


@given(st.lists(st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 1.0, 2.0]), max_size=30), st.integers(1, 12))
def test_a_row_is_ranked_as_a_stable_sort_would(row, k):
    items, values = empty(1, k)
    keep_best(np.array([row], dtype=np.float32), items, values)
    ranked = sorted((item for item in range(len(row)) if row[item] > -np.inf), key=lambda item: -row[item])[:k]
    assert items[0].tolist() == ranked + [-1] * (k - len(ranked))
    assert values[0, : len(ranked)].tolist() == [row[item] for item in ranked]
