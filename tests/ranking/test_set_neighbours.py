import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from nightschool.ranking.set_neighbours import nearest_by_sets


def slow(history: np.ndarray, k: int, min_support: int) -> list[list[tuple[int, int]]]:
    """(row, support) of the rows most alike to each, best first."""
    together = history @ history.T
    sizes = history.sum(axis=1)
    answers = []
    for row in range(len(history)):
        others = [
            (-np.float32(together[row, other] / np.sqrt(sizes[row] * sizes[other])), other)
            for other in range(len(history))
            if other != row and together[row, other] >= min_support
        ]
        answers.append([(other, int(together[row, other])) for _, other in sorted(others)[:k]])
    return answers


def test_who_shares_the_most_for_their_size_comes_first():
    history = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]])
    alike = nearest_by_sets(csr_array(history.astype(np.float32)), k=2, min_support=2)
    assert alike.rows.tolist() == [[2, 1], [0, 2], [0, 1], [-1, -1], [-1, -1]]
    assert alike.support.tolist() == [[3, 2], [2, 2], [3, 2], [0, 0], [0, 0]]
    np.testing.assert_allclose(alike.scores[0], [3 / np.sqrt(12), 2 / np.sqrt(6)], rtol=1e-6)


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 3))
def test_it_agrees_with_a_plain_loop(seed, k, min_support):
    rng = np.random.default_rng(seed)
    history = (rng.random((int(rng.integers(1, 400)), 6)) < 0.4).astype(np.int64)
    alike = nearest_by_sets(csr_array(history.astype(np.float32)), k, min_support)
    found = [
        [(int(row), int(support)) for row, support in zip(rows, supports, strict=True) if row >= 0]
        for rows, supports in zip(alike.rows, alike.support, strict=True)
    ]
    assert found == slow(history, k, min_support)
