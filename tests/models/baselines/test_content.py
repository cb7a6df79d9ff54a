from dataclasses import replace
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from models.baselines.content import Content, ContentConfig
from nightschool.data.features import item_features
from nightschool.data.vectors import vectors_of
from nightschool.errors import ConfigurationError
from nightschool.item_columns import ItemColumns
from nightschool.testing.recommender import RecommenderContract


class TestContent(RecommenderContract):
    model = Content
    refuses: ClassVar = {
        "one item": "described",
        "one user and one item": "described",
        "nothing available": "described",
    }


def test_weights_are_cosines_of_the_features(planted):
    features = item_features(planted.items, planted.item_columns, planted.available, 3.0).toarray()
    expected = features @ features.T
    np.fill_diagonal(expected, 0)
    found = Content(ContentConfig(weights_per_item=22, text_length=3.0)).fit(planted, seed=0).item_weights().toarray()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_an_item_keeps_its_nearest_neighbours(planted):
    weights = Content(ContentConfig(weights_per_item=3)).fit(planted, seed=0).item_weights()
    assert np.diff(weights.indptr).max() == 3


def test_an_item_nobody_met_is_recommended_for_what_it_is_about(planted):
    model = Content().fit(planted, seed=0)
    scores = model.score(np.array([0, 1], dtype=np.int32))
    assert scores[1, 20] > scores[1, :10].max()
    assert scores[0, 20] < scores[0, :10].min()


def test_an_unavailable_item_is_unknown_to_it(planted):
    weights = Content().fit(planted, seed=0).item_weights().toarray()
    assert not weights[21].any()
    assert not weights[:, 21].any()


def test_items_that_are_not_described_are_refused(dataset_of):
    bare = dataset_of([(0, 0, 1.0), (1, 1, 1.0)], 2, 2)
    with pytest.raises(ConfigurationError, match="described"):
        Content().fit(bare, seed=0)


def test_descriptions_of_some_items_are_enough(planted):
    first = np.arange(22) < 5
    some = replace(planted, available=first)
    scores = Content().fit(some, seed=0).score(np.array([0], dtype=np.int32))
    assert scores[0, :5].any()
    assert not scores[0, 5:].any()


def with_images(planted):
    """Return the items with images alone: all alike within a taste but for a little noise."""
    rng = np.random.default_rng(1)
    paints = np.array([10 <= item <= 20 for item in range(22)])
    images = np.where(paints[:, None], [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]) + rng.normal(0, 0.05, (22, 3))
    items = planted.items.select("item_id", "title", pl.lit(None, pl.String).alias("text")).with_columns(
        pl.Series("image", images.astype(np.float32)).arr.to_list()
    )
    return replace(planted, items=items, item_columns=ItemColumns(vectors=("image",)))


def test_items_that_nothing_but_vectors_describe(planted):
    model = Content().fit(with_images(planted), seed=0)
    scores = model.score(np.array([0, 1], dtype=np.int32))
    assert scores[1, 20] > scores[1, :10].max()
    assert scores[0, 20] < scores[0, :10].min()


def test_weights_of_vectors_are_their_cosines_and_none_is_negative(planted):
    dataset = with_images(planted)
    vectors = vectors_of(dataset).values * dataset.available[:, None]
    expected = np.maximum(vectors @ vectors.T, 0)
    np.fill_diagonal(expected, 0)
    found = Content(ContentConfig(weights_per_item=22)).fit(dataset, seed=0).item_weights().toarray()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (vectors @ vectors.T).min() < 0


def test_length_of_vectors_decides_how_much_they_count(planted):
    image = pl.Series("image", np.eye(22, dtype=np.float32)).arr.to_list()
    columns = replace(planted.item_columns, vectors=("image",))
    dataset = replace(planted, items=planted.items.with_columns(image), item_columns=columns)
    plain = Content().fit(planted, seed=0).item_weights()
    silent = Content(ContentConfig(vector_length=0)).fit(dataset, seed=0).item_weights()
    loud = Content(ContentConfig(vector_length=10)).fit(dataset, seed=0).item_weights()
    np.testing.assert_allclose(silent.toarray(), plain.toarray(), atol=1e-6)
    assert loud.data.max() < plain.data.max() / 5
