import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from nightschool.ranking.explain import strongest_reasons


def slow(items: np.ndarray, history: np.ndarray, weights: np.ndarray) -> np.ndarray:
    told = np.full(items.shape, -1, dtype=np.int32)
    for row in range(items.shape[0]):
        for place, item in enumerate(items[row]):
            if item < 0:
                continue
            strengths = history[row] * weights[:, item]
            if strengths.max() > 0:
                told[row, place] = int(strengths.argmax())
    return told


def test_the_strongest_history_item_is_named_and_ties_go_to_the_lowest():
    history = csr_array(np.array([[1, 1, 1, 0], [0, 0, 1, 0]], dtype=np.float32))
    weights = csr_array(np.array([[0, 0, 0, 2], [0, 0, 0, 2], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.float32))
    told = strongest_reasons(np.array([[3, 0], [3, -1]], dtype=np.int32), history, weights)
    assert told.tolist() == [[0, -1], [2, -1]]


@given(st.integers(0, 10_000))
def test_it_agrees_with_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    n_rows, n_items, k = rng.integers(1, 5), rng.integers(2, 8), rng.integers(1, 4)
    history = (rng.random((n_rows, n_items)) < 0.4).astype(np.float32)
    weights = (rng.integers(-2, 3, (n_items, n_items)) * (rng.random((n_items, n_items)) < 0.6)).astype(np.float32)
    items = np.stack([rng.permutation(n_items)[: min(k, n_items)] for _ in range(n_rows)]).astype(np.int32)
    items[rng.random(items.shape) < 0.2] = -1
    told = strongest_reasons(items, csr_array(history), csr_array(weights))
    assert told.tolist() == slow(items, history, weights).tolist()
