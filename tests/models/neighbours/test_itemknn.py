import numpy as np
import pytest

from models.neighbours.itemknn import ItemKnn, ItemKnnConfig
from nightschool.testing.recommender import RecommenderContract


class TestItemKnn(RecommenderContract):
    model = ItemKnn


@pytest.fixture(scope="module")
def likes(dataset_of):
    """Three users: items 0 and 1 go together twice, 0 and 2 once; item 3 is unmet, a zero is no like."""
    pairs = [(0, 0, 5.0), (0, 1, 4.0), (1, 0, 3.0), (1, 1, 1.0), (1, 2, 0.0), (2, 0, 2.0), (2, 2, 5.0)]
    return dataset_of(pairs, 3, 4)


def test_weights_are_cosines_without_the_item_itself(likes):
    weights = ItemKnn(ItemKnnConfig(shrinkage=0)).fit(likes, seed=0).item_weights().toarray()
    expected = np.zeros((4, 4))
    expected[0, 1] = expected[1, 0] = 2 / np.sqrt(3 * 2)
    expected[0, 2] = expected[2, 0] = 1 / np.sqrt(3 * 1)
    np.testing.assert_allclose(weights, expected, atol=1e-6)


def test_shrinkage_and_the_number_of_neighbours(likes):
    weights = ItemKnn(ItemKnnConfig(neighbours=1, shrinkage=2.0)).fit(likes, seed=0).item_weights()
    assert np.diff(weights.indptr).tolist() == [1, 1, 1, 0]
    assert weights.toarray()[0, 1] == pytest.approx(2 / (np.sqrt(6) + 2))


def test_pearson_is_the_correlation_of_the_columns(planted):
    likes = planted.positives().toarray()
    weights = ItemKnn(ItemKnnConfig(similarity="pearson", shrinkage=0)).fit(planted, seed=0).item_weights().toarray()
    expected = np.maximum(np.corrcoef(likes[:, :20].T), 0)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(weights[:20, :20], expected, atol=1e-5)
