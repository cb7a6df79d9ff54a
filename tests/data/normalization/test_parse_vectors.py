import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.data.normalization.parse_vectors import to_vectors
from nightschool.data.vectors import VECTOR

INF = float("inf")


@pytest.mark.parametrize(
    ("text", "vector"),
    [
        ("[1, 2.5, -3e-2]", [1, 2.5, -0.03]),
        (" [0.5]\t", [0.5]),
        ("[1e400, 2]", [INF, 2]),
        ("[1e39]", [INF]),
        (f"[{'9' * 50}]", [INF]),
        ("[ ]", []),
        ("", None),
        (None, None),
        ("1, 2", None),
        ("[1, null]", None),
        ("[NaN]", None),
        ('["a"]', None),
        ("[[1]]", None),
        ("[1,]", None),
        ("image.png", None),
    ],
)
def test_texts(text, vector):
    found = to_vectors(pl.Series([text], dtype=pl.String))
    assert found.dtype == VECTOR
    assert found.to_list() == [vector if vector is None else [float(np.float32(each)) for each in vector]]


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([[1, 2], None, []]),
        pl.Series([[1.0, 2.0], None, []]),
        pl.Series([[1, 2], None, []], dtype=pl.List(pl.UInt8)),
    ],
    ids=str,
)
def test_lists_of_numbers(values):
    assert to_vectors(values).to_list() == [[1.0, 2.0], None, []]


def test_arrays():
    assert to_vectors(pl.Series(np.eye(2))).to_list() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("values", [[["a"]], [{"x": 1}], [[[1.0]]], [[{"x": 1.0}]], [7]], ids=str)
def test_other_values_are_none(values):
    assert to_vectors(pl.Series(values)).to_list() == [None]


@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=5))
def test_numbers_written_as_json_are_read_back(numbers):
    assert to_vectors(pl.Series([str(numbers)])).to_list() == [numbers]
