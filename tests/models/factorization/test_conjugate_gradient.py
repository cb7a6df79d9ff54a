import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse import random as random_sparse
from threadpoolctl import threadpool_info

from models.factorization.conjugate_gradient import principal_axes, solve, solve_on_all_cores


def by_inversion(weights, factors, floor, slope):
    """One dense system a row, in float64."""
    rows = []
    for row in weights.toarray().astype(np.float64):
        system = np.diag(floor + slope * (row > 0).sum()) + (factors.T * row) @ factors
        rows.append(np.linalg.solve(system, factors.T @ row))
    return np.array(rows)


@pytest.fixture(scope="module")
def weights():
    """Seventy rows of 0 to 199 weights between 0.05 and 1.05; the third has none."""
    rng = np.random.default_rng(0)
    dense = random_sparse(70, 200, 0.2, random_state=1, dtype=np.float32).toarray()
    dense = np.where(dense > 0, dense + 0.05, 0)
    dense[2], dense[3, 1:], dense[4] = 0, rng.random(199) + 0.05, 0
    dense[4, 7] = 0.5
    return csr_array(dense.astype(np.float32))


@pytest.mark.parametrize("d", [1, 7, 8, 9, 40, 64, 100])
def test_every_row_is_the_solution_of_its_own_system(weights, d):
    rng = np.random.default_rng(d)
    factors = rng.standard_normal((200, d), dtype=np.float32)
    floor = rng.random(d, dtype=np.float32) + np.float32(0.5)
    found = solve(weights, factors, floor, 0.1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_inversion(weights, factors.astype(np.float64), floor, 0.1), atol=2e-6)
    assert not found[2].any()
    assert np.array_equal(solve_on_all_cores(weights, factors, floor, 0.1), found)


def test_a_row_is_the_same_bits_alone_and_among_all(weights):
    factors = np.random.default_rng(0).standard_normal((200, 16), dtype=np.float32)
    floor = np.ones(16, dtype=np.float32)
    together = solve(weights, factors, floor, 0.1)
    assert np.array_equal(np.concatenate([solve(weights[[row]], factors, floor, 0.1) for row in range(70)]), together)


def test_turned_factors_have_diagonal_products_and_the_same_scores():
    rng = np.random.default_rng(0)
    factors, others = rng.standard_normal((50, 6), dtype=np.float32), rng.standard_normal((6, 6), dtype=np.float32)
    turned, spectrum = principal_axes(factors)
    np.testing.assert_allclose(turned.T @ turned, np.diag(spectrum), atol=1e-4)
    # An orthogonal turn: every product of two rows stays.
    np.testing.assert_allclose(turned @ turned.T, factors @ factors.T, atol=1e-4)
    assert turned.dtype == others.dtype


def test_factors_are_turned_on_one_thread(monkeypatch):
    seen = []
    eigh = np.linalg.eigh

    def watched(matrix):
        seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return eigh(matrix)

    monkeypatch.setattr(np.linalg, "eigh", watched)
    principal_axes(np.ones((4, 2), dtype=np.float32))
    assert set(seen) == {1}
