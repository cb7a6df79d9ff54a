import numpy as np
import pytest

from models.sequential.transitions import Transitions, TransitionsConfig
from nightschool.contract import Dataset
from nightschool.testing.recommender import RecommenderContract
from tests.models.sequential.courses import FOLLOW, N_ITEMS, courses, sequences


class TestTransitions(RecommenderContract):
    model = Transitions
    refuses = FOLLOW


def counted(dataset: Dataset, config: TransitionsConfig) -> np.ndarray:
    counts = np.zeros((N_ITEMS, N_ITEMS))
    for items in sequences(dataset):
        for place, item in enumerate(items):
            for distance in range(1, config.reach + 1):
                weight = config.fading ** (distance - 1)
                if place + distance < len(items):
                    counts[item, items[place + distance]] += weight
                if place >= distance:
                    counts[item, items[place - distance]] += config.backward * weight
    return counts


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"second_hop": 0.0, "backward": 0.5},
        {"reach": 2, "fading": 1.0, "second_hop": 0.6, "popularity": 0.5},
    ],
)
def test_weights_are_shares_of_what_follows(params: dict[str, float]) -> None:
    dataset, config = courses(), TransitionsConfig.model_validate(params)
    counts = counted(dataset, config)
    steps = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)
    popularity = np.bincount(np.concatenate([*sequences(dataset)]), minlength=N_ITEMS)
    steps /= np.maximum(popularity, 1) ** config.popularity
    expected = steps + config.second_hop * steps @ steps
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(
        Transitions(config).fit(dataset, seed=0).weights.toarray(), expected, rtol=1e-4, atol=1e-6
    )
