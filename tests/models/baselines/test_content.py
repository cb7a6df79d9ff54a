from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from models.baselines.content import Content, ContentConfig
from nightschool.data.features import item_features
from nightschool.errors import ConfigurationError
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
