import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from nightschool.ranking.set_neighbours import nearest_by_sets


def all_pairs(history: np.ndarray, k: int, min_support: int) -> list[list[tuple[int, int]]]:
    """(row, support) of the rows most similar to each, best first, from the product of all pairs."""
    shared, sizes = history @ history.T, history.sum(axis=1)
    similarity = (shared / np.sqrt(np.maximum(np.outer(sizes, sizes), 1))).astype(np.float32)
    allowed = (shared >= min_support) & ~np.eye(len(history), dtype=bool)
    best = np.argsort(np.where(allowed, -similarity, np.inf), axis=1, kind="stable")[:, :k]
    return [
        [(int(other), int(shared[row, other])) for other in others if allowed[row, other]]
        for row, others in enumerate(best)
    ]


def test_who_shares_the_most_for_their_size_comes_first():
    history = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]])
    alike = nearest_by_sets(csr_array(history.astype(np.float32)), k=2, min_support=2)
    assert alike.rows.tolist() == [[2, 1], [0, 2], [0, 1], [-1, -1], [-1, -1]]
    assert alike.support.tolist() == [[3, 2], [2, 2], [3, 2], [0, 0], [0, 0]]
    np.testing.assert_allclose(alike.scores[0], [3 / np.sqrt(12), 2 / np.sqrt(6)], rtol=1e-6)


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 3))
def test_it_agrees_with_the_product_of_all_pairs(seed, k, min_support):
    rng = np.random.default_rng(seed)
    history = (rng.random((int(rng.integers(1, 400)), 6)) < 0.4).astype(np.int64)
    alike = nearest_by_sets(csr_array(history.astype(np.float32)), k, min_support)
    found = [
        [(int(row), int(support)) for row, support in zip(rows, supports, strict=True) if row >= 0]
        for rows, supports in zip(alike.rows, alike.support, strict=True)
    ]
    assert found == all_pairs(history, k, min_support)
