import numpy as np
import pytest
from scipy.sparse import csr_array

from models.factorization.leave_one_out import fall_without

ITEMS = np.array([[0, 5, 11], [3, -1, 2]], dtype=np.int32)


def solve(weights, factors, diagonal):
    system = np.diag(diagonal) + (factors.T * weights) @ factors
    return np.linalg.solve(system, factors.T @ weights)


@pytest.mark.parametrize("factors", [3, 16])  # fewer than likes, and more
def test_it_is_what_a_regression_without_the_like_gives(factors):
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(12, factors)).astype(np.float32)
    floor = rng.uniform(1, 2, factors).astype(np.float32)
    likes = csr_array((rng.random((2, 12)) * (rng.random((2, 12)) < 0.7)).astype(np.float32))
    found = fall_without(likes, ITEMS, vectors, floor, 0.1)
    entry = 0
    for row in range(2):
        liked, weights = (part[likes.indptr[row] : likes.indptr[row + 1]] for part in (likes.indices, likes.data))
        diagonal = floor + 0.1 * len(liked)
        whole = vectors @ solve(weights, vectors[liked], diagonal)
        for like in range(len(liked)):
            others = np.arange(len(liked)) != like
            rest = vectors @ solve(weights[others], vectors[liked[others]], diagonal)
            listed = ITEMS[row] >= 0
            np.testing.assert_allclose(found[entry][listed], (whole - rest)[ITEMS[row][listed]], atol=1e-5)
            entry += 1
    assert entry == likes.nnz


def test_a_user_without_likes_has_no_rows():
    nothing = csr_array((2, 12), dtype=np.float32)
    assert fall_without(nothing, ITEMS, np.ones((12, 2), np.float32), np.ones(2, np.float32), 0.0).shape == (0, 3)
