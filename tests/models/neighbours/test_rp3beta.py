import numpy as np
import pytest

from models.neighbours.rp3beta import Rp3Beta, Rp3BetaConfig
from nightschool.testing.recommender import RecommenderContract


class TestRp3Beta(RecommenderContract):
    model = Rp3Beta


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (0.7, 0.5), (0.0, 0.0)])
def test_weights_are_those_of_the_walk(planted, alpha, beta):
    likes = planted.positives().toarray().astype(np.float64)
    of_user, of_item = np.maximum(likes.sum(axis=1), 1), np.maximum(likes.sum(axis=0), 1)
    expected = (likes / of_item).T ** alpha * (likes.T > 0) @ ((likes / of_user[:, None]) ** alpha * (likes > 0))
    expected /= of_item**beta
    np.fill_diagonal(expected, 0)
    weights = Rp3Beta(Rp3BetaConfig(alpha=alpha, beta=beta)).fit(planted, seed=0).item_weights().toarray()
    np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-7)


def test_only_the_largest_weights_are_kept(planted):
    weights = Rp3Beta(Rp3BetaConfig(weights_per_item=3)).fit(planted, seed=0).item_weights()
    assert np.diff(weights.indptr).max() == 3
