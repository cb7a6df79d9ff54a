import numpy as np
from scipy.sparse import csr_array

from models.neural.unit_rows import unit_rows


def test_rows_have_the_length_1_but_those_without_likes() -> None:
    likes = csr_array(np.array([[1, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]], dtype=np.float32))
    found = unit_rows(likes)
    assert found.dtype == np.float32
    np.testing.assert_allclose((found.multiply(found)).sum(axis=1), [1, 0, 1], rtol=1e-6)
    assert np.array_equal(found.toarray() > 0, likes.toarray() > 0)
