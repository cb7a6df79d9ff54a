import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from nightschool.ranking.cosine_neighbours import nearest_by_cosine, nearest_by_mean_cosine


def drawn(seed: int, n_columns: int, density: float = 0.3) -> np.ndarray:
    """Rows of length one, some of them empty."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 400))
    rows = (rng.random((n, n_columns)) * (rng.random((n, n_columns)) < density)).astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def check(found, scores, support, allowed, k):
    """The found rows have the best scores among the allowed ones, in order."""
    filled, rows = found.rows >= 0, np.arange(len(scores))[:, None]
    assert allowed[rows, found.rows][filled].all()
    assert np.array_equal(found.support[filled], support[rows, found.rows][filled])
    np.testing.assert_allclose(found.scores[filled], scores[rows, found.rows][filled], atol=1e-5)
    wanted = -np.sort(np.where(allowed, -scores, np.inf), axis=1)[:, :k]
    assert np.array_equal(np.isfinite(wanted), filled[:, : wanted.shape[1]])
    assert not filled[:, wanted.shape[1] :].any()
    np.testing.assert_allclose(found.scores[filled], wanted[np.isfinite(wanted)], atol=1e-5)


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 3), st.sampled_from([(6, 0.3), (60, 0.04)]))
def test_kindred_rows_agree_with_a_plain_product(seed, k, min_support, columns):
    rows = drawn(seed, *columns)
    others = np.flatnonzero(np.random.default_rng(seed).random(len(rows)) < 0.5).astype(np.int32)
    found = nearest_by_cosine(csr_array(rows), others, k, min_support)
    has = (rows > 0).astype(int)
    shared = has @ has.T
    least = np.maximum(np.minimum(has.sum(axis=1), min_support), 1)
    allowed = (shared >= least[:, None]) & np.isin(np.arange(len(rows)), others) & ~np.eye(len(rows), dtype=bool)
    check(found, rows @ rows.T, shared, allowed, k)


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 3))
def test_blended_rows_agree_with_plain_products(seed, k, min_support):
    rows, rng = drawn(seed, 6), np.random.default_rng(seed)
    sets = (rng.random((len(rows), 5)) < 0.4).astype(np.float32)
    candidates = rng.integers(-1, len(rows), (len(rows), 8)).astype(np.int32)
    found = nearest_by_mean_cosine(csr_array(rows), csr_array(sets), candidates, k, min_support)
    has = (rows > 0).astype(int)
    support = has @ has.T + (sets @ sets.T).astype(int)
    sizes = np.sqrt(np.maximum(np.outer(sets.sum(axis=1), sets.sum(axis=1)), 1))
    allowed = np.zeros_like(support, dtype=bool)
    for row, chosen in enumerate(candidates):
        allowed[row, chosen[chosen >= 0]] = True
    allowed &= (support >= min_support) & ~np.eye(len(rows), dtype=bool)
    check(found, (rows @ rows.T + sets @ sets.T / sizes) / 2, support, allowed, k)


def test_nobody_is_found_for_who_has_nothing():
    rows = csr_array(np.array([[1, 0], [1, 0], [0, 0]], dtype=np.float32))
    found = nearest_by_cosine(rows, np.arange(3, dtype=np.int32), 2, 2)
    assert found.rows.tolist() == [[1, -1], [0, -1], [-1, -1]]
    assert found.support.tolist() == [[1, 0], [1, 0], [0, 0]]
