from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from models.neural.descriptions import compress, item_descriptions, user_descriptions
from nightschool.testing.datasets import make_dataset, two_tastes

RNG = np.random.default_rng(0)
FEATURES = csr_array(np.where(RNG.random((60, 40)) < 0.2, RNG.random((60, 40)), 0).astype(np.float32))


def test_few_dimensions_keep_what_singular_values_keep() -> None:
    values = np.linalg.svd(FEATURES.toarray(), compute_uv=False)
    found = compress(FEATURES, 8, 0)
    assert found.shape == (60, 8)
    np.testing.assert_allclose((found**2).sum(), (values[:8] ** 2).sum(), rtol=0.02)
    np.testing.assert_allclose(
        compress(FEATURES, 40, 0) @ compress(FEATURES, 40, 0).T, (FEATURES @ FEATURES.T).toarray(), atol=1e-4
    )
    assert np.array_equal(found, compress(FEATURES, 8, 0))


@pytest.mark.parametrize("shape", [(5, 0), (5, 3), (1, 1), (3, 200)])
def test_small_and_empty_features_give_what_they_hold(shape: tuple[int, int]) -> None:
    assert compress(csr_array(shape, dtype=np.float32), 8, 0).shape == (shape[0], 0)
    ones = csr_array(np.ones(shape, dtype=np.float32))
    found = compress(ones, 8, 0)
    assert found.shape == (shape[0], min(1, shape[1]))
    np.testing.assert_allclose(found @ found.T, (ones @ ones.T).toarray(), rtol=1e-4)


def test_items_of_one_taste_are_described_alike_and_vectors_count_as_much_as_the_rest() -> None:
    dataset = two_tastes()
    found = item_descriptions(dataset, 2.0, 8, 0)
    alike = found @ found.T
    assert alike[0, 1] > 0.9
    assert alike[0, 10] < 0.1
    assert not found[21].any()  # it is not in the catalogue
    images = [None if item == 5 else [3.0, 4.0 * (item % 2), 1.0] for item in range(22)]
    items = dataset.items.with_columns(pl.Series("image", images, pl.List(pl.Float32)))
    columns = replace(dataset.item_columns, vectors=("image",))
    wide = item_descriptions(replace(dataset, items=items, item_columns=columns), 2.0, 8, 0)
    assert wide.shape[1] == found.shape[1] + 2
    lengths = (wide[:, -2:] ** 2).sum(axis=1)
    assert np.flatnonzero(lengths == 0).tolist() == [5, 21]
    np.testing.assert_allclose(lengths[lengths > 0].mean(), 1, rtol=1e-5)


def test_without_descriptions_the_vectors_have_no_length() -> None:
    plain = make_dataset([(0, 0, 1.0)], 1, 3)
    assert item_descriptions(plain, 2.0, 8, 0).shape == (3, 0)
    assert user_descriptions(plain, 8, 0).shape == (1, 0)


def test_only_attributes_that_five_users_share_describe_them() -> None:
    dataset = make_dataset([(0, 0, 1.0)], 12, 1)
    roles = pl.Series(["teacher"] * 6 + ["nurse"] * 5 + ["king"])
    found = user_descriptions(replace(dataset, users=dataset.users.with_columns(role=roles)), 8, 0)
    assert found.shape == (12, 2)
    alike = found @ found.T
    assert alike[0, 5] > 0.9
    assert abs(alike[0, 6]) < 1e-5
    assert not found[11].any()
