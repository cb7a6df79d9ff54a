import numpy as np
import pytest

from models.neural.multvae import MultVae
from models.neural.multvae_config import MultVaeConfig
from nightschool.testing.datasets import make_dataset, two_tastes
from nightschool.testing.recommender import RecommenderContract
from tests.models.neural.tastes import REFUSES, share_of_own_taste

SMALL = {"hidden": 16, "code": 4, "epochs": 3}


class TestMultVae(RecommenderContract):
    model = MultVae
    params = SMALL
    refuses = REFUSES
    likes_may_lower_scores = True


@pytest.mark.parametrize("settings", [{}, {"beta": 0.0}, {"whole_catalogue": 0, "negatives": 256}])
def test_planted_tastes_are_found(settings: dict[str, float]) -> None:
    config = MultVaeConfig(hidden=32, code=8, batch=10, learning_rate=0.01, epochs=60, dropout=0.3, **settings)
    assert share_of_own_taste(MultVae(config).fit(two_tastes(), seed=0)) > 0.9


def test_an_item_without_likes_has_the_lowest_score_and_users_without_likes_get_the_popular_ones() -> None:
    pairs = [(user, item, 5.0) for user in range(300) for item in range(user % 3, 6)] + [(0, 6, 0.0)]
    dataset = make_dataset(pairs, 301, 8)
    model = MultVae(MultVaeConfig(**{**SMALL, "epochs": 100, "learning_rate": 0.01})).fit(dataset, seed=0)
    scores = model.score(np.arange(301, dtype=np.int32))
    np.testing.assert_array_equal(scores[:, 6:], scores[:, :6].min(axis=1, keepdims=True).repeat(2, axis=1))
    assert scores[300, 2:6].min() > scores[300, 1] > scores[300, 0]
