import numpy as np
import pytest
from scipy.sparse import csr_array

from models.neighbours.similarity import SetSimilarity


def obvious(rows, similarity, shrinkage, k):
    """All pairs from the dense matrix; of each row's k best, those above zero."""
    n_columns = rows.shape[1]
    if similarity == "pearson":
        spread = rows.std(axis=1) * np.sqrt(n_columns)
        common = (rows - rows.mean(axis=1, keepdims=True)) @ (rows - rows.mean(axis=1, keepdims=True)).T
    else:
        spread, common = np.sqrt(rows.sum(axis=1)), rows @ rows.T
    norm = np.outer(spread, spread)
    alike = np.where(norm > 1e-9, np.maximum(common, 0) / (norm + shrinkage + (norm <= 1e-9)), 0)
    best = np.argsort(-alike.astype(np.float32), axis=1, kind="stable")[:, :k]
    kept = np.zeros_like(alike)
    np.put_along_axis(kept, best, np.take_along_axis(alike, best, axis=1), axis=1)
    return kept


@pytest.fixture(scope="module")
def sets():
    """A hundred and fifty sets of 40 columns with sizes from none (the first) to all (the second)."""
    rng = np.random.default_rng(0)
    rows = (rng.random((150, 40)) < rng.random((150, 1))).astype(np.float64)
    rows[0], rows[1] = 0, 1
    return rows


@pytest.mark.parametrize("similarity", ["cosine", "pearson"])
@pytest.mark.parametrize(("shrinkage", "k"), [(0.0, 150), (3.0, 150), (2.0, 1000)])
def test_likeness_is_that_of_the_dense_matrix(sets, similarity, shrinkage, k):
    found = SetSimilarity(similarity, shrinkage, k).among_themselves(csr_array(sets.astype(np.float32)))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.toarray(), obvious(sets, similarity, shrinkage, 150), atol=1e-5)


def test_the_largest_are_kept_and_of_equal_ones_the_first():
    rows = csr_array(np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32))
    found = SetSimilarity("cosine", 0.0, 3).among_themselves(rows).toarray()
    np.testing.assert_allclose(found[0], [1, 1, np.sqrt(0.5), 0, 0], atol=1e-6)
    np.testing.assert_allclose(found[3], [np.sqrt(0.5), np.sqrt(0.5), 0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(found[4], [0, 0, 0, 0, 1], atol=1e-6)


def test_known_rows_asked_about_get_what_they_get_among_themselves(sets):
    rows = csr_array(sets.astype(np.float32))
    likeness = SetSimilarity("cosine", 1.0, 7)
    together = likeness.among_themselves(rows)
    asked = likeness.to_rows(rows[[3, 9]], rows.T.tocsr())
    assert np.array_equal(asked.toarray(), together[[3, 9]].toarray())


def test_by_pearson_what_chance_gives_is_not_alike():
    """Two halves of four columns that overlap in one: as much as chance gives."""
    rows = csr_array(np.array([[1, 1, 0, 0], [0, 1, 1, 0]], dtype=np.float32))
    assert not SetSimilarity("pearson", 0.0, 2).among_themselves(rows)[[0]].toarray()[0, 1]
    assert SetSimilarity("cosine", 0.0, 2).among_themselves(rows)[[0]].toarray()[0, 1] == np.float32(0.5)
