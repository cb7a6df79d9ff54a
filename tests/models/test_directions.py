import numpy as np
import pytest
from scipy.sparse import csr_array

from models.directions import Directions

RNG = np.random.default_rng(0)
ROWS = np.where(RNG.random((60, 40)) < 0.2, RNG.random((60, 40)), 0).astype(np.float32)


@pytest.mark.parametrize("matrix", [ROWS, csr_array(ROWS)], ids=["dense", "sparse"])
def test_the_longest_directions_are_singular_vectors(matrix: np.ndarray | csr_array) -> None:
    found = Directions.of(matrix, matrix.T, 8, 0)
    _, values, vectors = np.linalg.svd(ROWS)
    np.testing.assert_allclose(found.largest, values[0] ** 2, rtol=1e-4)
    longest = (found.basis @ found.turn)[:, -1]
    assert abs(longest @ vectors[0]) > 0.9999
    np.testing.assert_allclose(found.projected, ROWS @ found.basis, atol=1e-4)
    lengths = np.square(found.projected @ found.turn).sum(axis=0)
    assert (np.diff(lengths) > 0).all()
    assert lengths[-8:].sum() > 0.98 * (values[:8] ** 2).sum()


def test_directions_without_length_are_none() -> None:
    assert Directions.of(np.ones((5, 3), np.float32), np.ones((3, 5), np.float32), 8, 0).turn.shape == (3, 1)
