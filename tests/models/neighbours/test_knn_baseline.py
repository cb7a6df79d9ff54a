from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import surprise

from models.factorization.surprise_trainset import trainset
from models.neighbours.knn_baseline import KnnBaseline, KnnBaselineConfig
from models.ratings import Ratings
from nightschool.capabilities import PredictsRatings
from nightschool.errors import ConfigurationError
from nightschool.testing.recommender import RecommenderContract


class TestKnnBaseline(RecommenderContract):
    model = KnnBaseline


PAIRS = np.array([(user, item) for user in range(-1, 42) for item in range(-1, 22)], dtype=np.int32)


@pytest.fixture
def noisy(planted):
    """The two tastes with scores that differ, so that no two neighbours are equally near by chance."""
    rng = np.random.default_rng(5)
    pairs = planted.interactions
    scores = (pairs["score"].to_numpy() + rng.normal(size=pairs.height)).clip(0, 5)
    return replace(planted, interactions=pairs.with_columns(score=pl.Series(scores, dtype=pl.Float32)))


@pytest.mark.parametrize("side", ["items", "users"])
@pytest.mark.parametrize("neighbours", [1, 3, 40])
def test_predictions_equal_surprises_own_for_every_pair_and_the_unknown(noisy, side, neighbours):
    model = KnnBaseline(KnnBaselineConfig(side=side, neighbours=neighbours, shrinkage=10)).fit(noisy, seed=0)
    measure = {"name": "pearson_baseline", "user_based": side == "users", "shrinkage": 10}
    reference = surprise.KNNBaseline(k=neighbours, sim_options=measure, verbose=False)
    reference.fit(trainset(Ratings.graded(noisy)))
    expected = [reference.predict(user, item).est for user, item in PAIRS.tolist()]
    assert isinstance(model, PredictsRatings)
    assert np.abs(model.predict(PAIRS[:, 0], PAIRS[:, 1]) - np.array(expected)).max() < 1e-5
    every = model.score(np.arange(42, dtype=np.int32))
    unclipped = [[reference.predict(user, item, clip=False).est for item in range(22)] for user in range(42)]
    assert np.abs(every - np.array(unclipped)).max() < 1e-5


def test_of_two_that_are_as_near_the_earlier_speaks(dataset_of):
    model = KnnBaseline(KnnBaselineConfig(neighbours=1)).fit(dataset_of([(0, 0, 1.0), (0, 1, 4.0)], 1, 3), seed=0)
    model.similarities[2, :2] = 0.5
    by_first = model.mean + model.user_biases[0] + model.item_biases[2] + model.deviations[0, 0]
    assert np.allclose(model.score(np.array([0], dtype=np.int32))[0, 2], by_first)


def test_who_is_forgotten_no_longer_speaks(noisy):
    model = KnnBaseline(KnnBaselineConfig(side="users")).fit(noisy, seed=0)
    before = model.score(np.array([9, 11], dtype=np.int32))
    neighbours = model.similarities[[9, 11]]
    model.forget(7)
    assert model.similarities.shape == (41, 41)
    assert np.array_equal(model.similarities[[8, 10]], np.delete(neighbours, 7, axis=1))
    assert model.deviations.shape == (22, 41)
    after = model.score(np.array([8, 10], dtype=np.int32))
    assert 0 < np.abs(after - before).max() < 1


def test_square_matrices_over_the_budget_are_refused(planted):
    with pytest.raises(ConfigurationError, match=r"GB for 22 items.*max_gigabytes=1e-06"):
        KnnBaseline(KnnBaselineConfig(max_gigabytes=1e-6)).fit(planted, seed=0)
