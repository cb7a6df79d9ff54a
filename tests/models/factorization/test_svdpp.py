import numpy as np
import surprise

from models.factorization.surprise_trainset import trainset
from models.factorization.svdpp import Svdpp, SvdppConfig
from models.ratings import Ratings
from nightschool.capabilities import PredictsRatings
from nightschool.testing.recommender import RecommenderContract


class TestSvdpp(RecommenderContract):
    model = Svdpp


PAIRS = np.array([(user, item) for user in range(-1, 42) for item in range(-1, 22)], dtype=np.int32)


def test_predictions_equal_surprises_own_for_every_pair_and_the_unknown(planted):
    model = Svdpp(SvdppConfig(factors=5, epochs=30, learning_rate=0.02)).fit(planted, seed=3)
    reference = surprise.SVDpp(n_factors=5, n_epochs=30, lr_all=0.02, random_state=3)
    reference.fit(trainset(Ratings.graded(planted)))
    expected = [reference.predict(user, item).est for user, item in PAIRS.tolist()]
    assert isinstance(model, PredictsRatings)
    assert np.abs(model.predict(PAIRS[:, 0], PAIRS[:, 1]) - np.array(expected)).max() < 1e-5


def test_what_was_rated_speaks_beside_the_scores(planted):
    """User 0's factors hold what its items say to everybody: they differ from what its own vector would be."""
    model = Svdpp(SvdppConfig(epochs=1)).fit(planted, seed=3)
    reference = surprise.SVDpp(n_epochs=1, random_state=3).fit(trainset(Ratings.graded(planted)))
    rated = planted.interactions.filter(planted.interactions["user_index"] == 0)["item_index"].to_list()
    implicit = sum(reference.yj[reference.trainset.to_inner_iid(item)] for item in rated) / 3
    assert np.allclose(model.user_factors[0], reference.pu[0] + implicit, atol=1e-6)
    assert not model.user_factors[41].any()
