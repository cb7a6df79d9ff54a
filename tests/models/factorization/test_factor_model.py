from types import SimpleNamespace

import numpy as np

from models.factorization.factor_model import FactorModel, by_index
from models.factorization.svd import SvdConfig
from models.ratings import Ratings


class Handmade(FactorModel):
    """Two users, one of them without scores, and two items."""

    name = "handmade"
    config_type = SvdConfig

    def _learn(self, dataset, _seed):
        ratings = Ratings.graded(dataset)
        factors = {"pu": np.array([[1.0, 2.0]]), "qi": np.array([[0.5, 0.25], [1.0, 1.0]])}
        self._take_over(SimpleNamespace(bu=np.array([1.0]), bi=np.array([-0.5, 0.5]), **factors), ratings)


def fitted(dataset_of):
    return Handmade().fit(dataset_of([(0, 0, 1.0), (0, 1, 2.0)], 2, 2), seed=0)


def test_a_score_is_the_sum_of_mean_biases_and_product(dataset_of):
    """1.5 + 1 − .5 + (.5 + .5), and 1.5 + 1 + .5 + 3."""
    scores = fitted(dataset_of).score(np.array([0, 1], dtype=np.int32))
    assert scores.tolist() == [[3.0, 6.0], [1.0, 2.0]]
    assert scores.dtype == np.float32


def test_a_prediction_is_clipped_and_knows_the_unknown(dataset_of):
    users, items = np.array([0, 0, 1, -1, -1], dtype=np.int32), np.array([0, 1, 0, 1, -1], dtype=np.int32)
    assert fitted(dataset_of).predict(users, items).tolist() == [3.0, 5.0, 1.0, 2.0, 1.5]


def test_rows_are_placed_at_their_index_before_one_for_the_unknown():
    placed = by_index(np.array([[1.0], [2.0]]), np.array([0, 2], dtype=np.int32), 3)
    assert placed.tolist() == [[1.0], [0.0], [2.0], [0.0]]
    assert placed.dtype == np.float32
