import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nightschool.ranking.truncate import keep_largest


@given(hnp.arrays(np.float32, (4, 12), elements=st.sampled_from([-3.0, -1.0, 0.0, 0.5, 1.0, 2.0])), st.integers(1, 15))
def test_the_largest_by_size_are_kept_and_ties_go_to_the_lower_column(rows, n):
    cut = keep_largest(rows, n)
    for row, kept in zip(rows.tolist(), cut.toarray().tolist(), strict=True):
        largest = sorted(range(12), key=lambda column: -abs(row[column]))[:n]
        assert kept == [value if column in largest else 0 for column, value in enumerate(row)]
    assert cut.nnz == np.count_nonzero(cut.toarray())
    assert cut.has_sorted_indices
    assert cut.dtype == np.float32
