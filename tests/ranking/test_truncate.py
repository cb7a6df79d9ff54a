import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from nightschool.errors import NightschoolError
from nightschool.ranking.truncate import keep_largest, keep_largest_entries

FEW_SIZES = st.sampled_from([-3.0, -1.0, 0.0, 0.5, 1.0, 2.0])
ANY_SIZES = st.floats(width=32, allow_nan=False)
ROWS = st.one_of(*(hnp.arrays(np.float32, (4, 12), elements=sizes) for sizes in (FEW_SIZES, ANY_SIZES)))


def largest(row, n):
    places = sorted(range(len(row)), key=lambda column: -abs(row[column]))[:n]
    return [value if column in places else 0 for column, value in enumerate(row)]


@given(ROWS, st.integers(0, 15))
def test_the_largest_by_size_are_kept_and_ties_go_to_the_lower_column(rows, n):
    cut = keep_largest(rows, n)
    assert cut.toarray().tolist() == [largest(row, n) for row in rows.tolist()]
    assert cut.nnz == np.count_nonzero(cut.toarray())
    assert cut.has_sorted_indices
    assert cut.dtype == np.float32


@given(ROWS, st.integers(0, 15))
def test_sparse_rows_are_cut_like_dense_ones(rows, n):
    cut, expected = keep_largest_entries(csr_array(rows), n), keep_largest(rows, n)
    assert np.array_equal(cut.indptr, expected.indptr)
    assert np.array_equal(cut.indices, expected.indices)
    assert np.array_equal(cut.data, expected.data)


def test_float64_is_rounded_before_it_is_compared():
    rows = np.array([[1 + 1e-12, 1 + 2e-12, -3, 0]])
    for cut in (keep_largest(rows, 2), keep_largest_entries(csr_array(rows), 2)):
        assert cut.toarray().tolist() == [[1, 0, -3, 0]]
        assert cut.dtype == np.float32


def test_many_columns_of_like_size():
    rows = np.random.default_rng(0).normal(1, 1e-6, (3, 5000)).astype(np.float32)
    for row, kept in zip(rows.tolist(), keep_largest(rows, 700).toarray().tolist(), strict=True):
        assert kept == largest(row, 700)


def test_nothing_to_keep():
    assert keep_largest(np.zeros((3, 4), dtype=np.float32), 2).nnz == 0
    assert keep_largest(np.zeros((0, 4), dtype=np.float32), 2).shape == (0, 4)
    assert keep_largest_entries(csr_array((3, 4), dtype=np.float32), 2).shape == (3, 4)


def test_a_weight_that_is_no_number_is_refused():
    rows = np.array([[1, 2], [np.nan, 1]], dtype=np.float32)
    for cut in (keep_largest, lambda matrix, n: keep_largest_entries(csr_array(matrix), n)):
        with pytest.raises(NightschoolError, match="NaN"):
            cut(rows, 1)
