from models.neural.neumf import NeuMf
from models.neural.neumf_config import NeuMfConfig
from nightschool.testing.datasets import two_tastes
from nightschool.testing.recommender import RecommenderContract
from tests.models.neural.tastes import REFUSES, share_of_own_taste

SMALL = {"factors": 4, "width": 4, "epochs": 3}


class TestNeuMf(RecommenderContract):
    model = NeuMf
    params = SMALL
    refuses = REFUSES
    likes_may_lower_scores = True


def test_planted_tastes_are_found() -> None:
    config = NeuMfConfig(factors=8, width=8, batch=10, learning_rate=0.01, epochs=60)
    assert share_of_own_taste(NeuMf(config).fit(two_tastes(), seed=0)) > 0.9
