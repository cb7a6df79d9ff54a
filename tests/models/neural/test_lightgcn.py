import numpy as np
import pytest

from models.neural.lightgcn import LightGcn
from models.neural.lightgcn_config import LightGcnConfig
from nightschool.testing.datasets import make_dataset, two_tastes
from nightschool.testing.recommender import RecommenderContract
from tests.models.neural.tastes import REFUSES, share_of_own_taste

SMALL = {"factors": 4, "epochs": 3, "learning_rate": 0.01}


class TestLightGcn(RecommenderContract):
    model = LightGcn
    params = SMALL
    refuses = REFUSES
    likes_may_lower_scores = True


@pytest.mark.parametrize("settings", [{}, {"layers": 1}, {"layers": 3}, {"whole_catalogue": 0, "negatives": 256}])
def test_planted_tastes_are_found(settings: dict[str, float]) -> None:
    config = LightGcnConfig(factors=8, batch=10, learning_rate=0.05, epochs=60, **settings)
    assert share_of_own_taste(LightGcn(config).fit(two_tastes(), seed=0)) > 0.9


def test_an_item_without_likes_has_the_lowest_score() -> None:
    pairs = [(user, item, 5.0) for user in range(30) for item in range(user % 3, 6)] + [(0, 6, 0.0)]
    dataset = make_dataset(pairs, 31, 8)
    scores = LightGcn(LightGcnConfig(**SMALL)).fit(dataset, seed=0).score(np.arange(31, dtype=np.int32))
    np.testing.assert_array_equal(scores[:, 6:], scores[:, :6].min(axis=1, keepdims=True).repeat(2, axis=1))
    assert not scores[30].any()
