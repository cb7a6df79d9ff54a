from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.contract import Dataset
from nightschool.data.vectors import VECTOR, common_length, item_vectors, norms, vectors_of
from nightschool.item_columns import ItemColumns
from nightschool.testing.datasets import two_tastes

NAN, INF = float("nan"), float("inf")


def vectors(*values):
    return pl.Series(values, dtype=VECTOR)


def test_norms_equal_numpys_and_are_nan_where_there_is_no_vector():
    found = norms(vectors([3, 4], None, [], [1, NAN], [INF], [0, 0, 0], [1, None]))
    np.testing.assert_array_equal(found, [5, NAN, NAN, NAN, NAN, 0, NAN])


@given(st.lists(st.none() | st.lists(st.floats(-1e6, 1e6, width=32), max_size=4), max_size=6))
def test_norms_of_any_vectors(values):
    expected = [np.linalg.norm(np.array(each, dtype=np.float64)) if each else NAN for each in values]
    np.testing.assert_allclose(norms(vectors(*values)), expected, rtol=1e-12)


def test_norm_of_the_largest_numbers_is_finite():
    assert norms(vectors([3e38, 3e38]))[0] == pytest.approx(3e38 * np.sqrt(2), rel=1e-5)


@pytest.mark.parametrize(
    ("values", "before", "length"),
    [
        ([], [], 0),
        ([None, []], [], 0),
        ([[1], [1, 2], [3, 4]], [], 2),
        ([[1], [1, 2]], [], 2),
        ([[1], [1, 2]], [[1]], 1),
        ([[1, 2], [1, 2], [1]], [[1]], 2),
    ],
)
def test_common_length(values, before, length):
    assert common_length(vectors(*values), vectors(*before)) == length


def test_columns_stand_side_by_side_with_rows_of_unit_length():
    items = pl.DataFrame({"image": vectors([3, 4], None, [0, 0]), "sound": vectors([2], [-2], None)})
    found = item_vectors(items, ("image", "sound", "not there"))
    np.testing.assert_allclose(found.values, [[0.6, 0.8, 1], [0, 0, -1], [0, 0, 0]], atol=1e-7)
    assert found.values.dtype == np.float32
    assert found.known.tolist() == [True, True, False]


def test_vector_that_cannot_be_compared_is_none():
    items = pl.DataFrame({"image": vectors([1, 0], [0, 1], [1, 0, 0], [NAN, 1])})
    assert item_vectors(items, ("image",)).known.tolist() == [True, True, False, False]


def test_arrays_are_vectors_too():
    items = pl.DataFrame({"image": np.eye(2)})
    np.testing.assert_array_equal(item_vectors(items, ("image",)).values, np.eye(2))


def test_dataset_without_vectors_has_rows_of_no_length():
    planted = two_tastes()
    found = vectors_of(planted)
    assert found.values.shape == (planted.n_items, 0)
    assert not found.known.any()


def test_dataset_has_the_vectors_of_its_columns():
    planted = two_tastes()
    image = pl.Series("image", np.eye(planted.n_items, dtype=np.float32)).arr.to_list()
    items = planted.items.with_columns(image)
    dataset = replace(planted, items=items, item_columns=ItemColumns(vectors=("image",)))
    np.testing.assert_array_equal(vectors_of(dataset).values, np.eye(planted.n_items))


def test_lists_of_floats_in_a_notebooks_frame_are_vectors():
    log = pl.DataFrame({"user_id": [1, 2], "item_id": ["a", "b"]})
    items = pl.DataFrame({"item_id": ["a", "b"], "image": [[1.0, 0.0], [0.0, 2.0]], "tags": [["x"], ["y"]]})
    dataset = Dataset.from_frames(log, items=items)
    assert (dataset.item_columns.vectors, dataset.item_columns.lists) == (("image",), ("tags",))
    assert sorted(vectors_of(dataset).values.tolist()) == [[0, 1], [1, 0]]


def test_unit_rows_are_of_all_columns_together() -> None:
    items = pl.DataFrame({"a": [[3.0, 4.0], [1.0, 0.0], None], "b": [[1.0], None, None]})
    vectors = item_vectors(items, ("a", "b"))
    np.testing.assert_allclose(np.linalg.norm(vectors.units(), axis=1), [1, 1, 0])
    np.testing.assert_allclose(vectors.units()[0], np.array([0.6, 0.8, 1]) / np.sqrt(2), rtol=1e-6)
    assert item_vectors(items, ()).units().shape == (3, 0)
