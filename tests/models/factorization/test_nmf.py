import numpy as np
import surprise

from models.factorization.nmf import Nmf, NmfConfig
from models.factorization.surprise_trainset import trainset
from models.ratings import Ratings
from nightschool.capabilities import PredictsRatings
from nightschool.testing.recommender import RecommenderContract


class TestNmf(RecommenderContract):
    model = Nmf


PAIRS = np.array([(user, item) for user in range(-1, 42) for item in range(-1, 22)], dtype=np.int32)


def test_predictions_equal_surprises_own_for_every_pair_and_the_unknown(planted):
    model = Nmf(NmfConfig(factors=5)).fit(planted, seed=3)
    reference = surprise.NMF(n_factors=5, random_state=3).fit(trainset(Ratings.graded(planted)))
    expected = [reference.predict(user, item).est for user, item in PAIRS.tolist()]
    assert isinstance(model, PredictsRatings)
    assert np.abs(model.predict(PAIRS[:, 0], PAIRS[:, 1]) - np.array(expected)).max() < 1e-5


def test_the_unknown_gets_the_mean(planted):
    model = Nmf().fit(planted, seed=3)
    mean = planted.interactions["score"].mean()
    assert np.allclose(model.score(np.array([41], dtype=np.int32)), mean)
    known, unknown = np.array([0, -1], dtype=np.int32), np.array([-1, 3], dtype=np.int32)
    assert np.allclose(model.predict(known, unknown), mean)
