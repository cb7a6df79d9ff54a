import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chisquare

from nightschool.simulator.sampling import codes, draw_from_rows, draw_indices, labels


def test_draws_occur_as_often_as_they_weigh() -> None:
    weights = np.array([1.0, 0.0, 3.0, 6.0])
    drawn = draw_indices(weights, 20_000, np.random.default_rng(0))
    counts = np.bincount(drawn, minlength=4)
    assert counts[1] == 0
    assert chisquare(counts[[0, 2, 3]], 20_000 * weights[[0, 2, 3]] / 10).pvalue > 1e-4


def test_draws_from_rows_occur_as_often_as_they_weigh_in_their_row() -> None:
    weights = np.array([[0.0, 1.0, 1.0], [5.0, 3.0, 2.0], [0.0, 0.0, 1.0]])
    rows = np.repeat(np.arange(3, dtype=np.int32), 10_000)
    drawn = draw_from_rows(weights, rows, np.random.default_rng(0)).reshape(3, -1)
    counts = np.stack([np.bincount(row, minlength=3) for row in drawn])
    assert counts[0, 0] == 0
    assert chisquare(counts[0, 1:]).pvalue > 1e-4
    assert chisquare(counts[1], [5000, 3000, 2000]).pvalue > 1e-4
    assert counts[2].tolist() == [0, 0, 10_000]


@given(
    weights=arrays(np.float64, (4, 5), elements=st.sampled_from([0.0, 1e-12, 0.3, 1.0, 1e9])),
    seed=st.integers(0, 2**32),
)
def test_no_row_draws_what_weighs_nothing(weights: np.ndarray, seed: int) -> None:
    weights[:, 2] += 1.0
    rows = np.tile(np.arange(4, dtype=np.int32), 50)
    drawn = draw_from_rows(weights, rows, np.random.default_rng(seed))
    assert (weights[rows, drawn] > 0).all()


def test_labels_and_codes_undo_each_other() -> None:
    names = ("low", "middle", "high")
    assert labels(names, np.array([2, 0, 2], dtype=np.int32)).to_list() == ["high", "low", "high"]
    assert codes(pl.Series(["high", "low", "high"]), names).tolist() == [2, 0, 2]


def test_a_value_that_is_no_name_has_no_code() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError):
        codes(pl.Series(["enormous"]), ("low", "high"))
