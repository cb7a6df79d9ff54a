import numpy as np
import pytest

from models.sequential.next_neighbours import NextNeighbours, NextNeighboursConfig
from nightschool.errors import ConfigurationError
from nightschool.histories import Histories
from nightschool.testing.datasets import make_dataset
from nightschool.testing.recommender import RecommenderContract, all_scores
from tests.models.sequential.courses import FOLLOW, N_ITEMS, courses, sequences


class TestNextNeighbours(RecommenderContract):
    model = NextNeighbours
    refuses = FOLLOW
    forgetting_changes_others = True


def expected_scores(config: NextNeighboursConfig) -> np.ndarray:
    histories = [items.tolist() for items in sequences(courses())]
    counts = np.bincount(np.concatenate(histories), minlength=N_ITEMS)
    scores = np.zeros((len(histories), N_ITEMS))
    for user, own in enumerate(histories):
        past = faded(own, len(own), config.recency)
        places = [(other, place) for other in histories for place in range(1, len(other))]
        likenesses = [
            sum(past[item] * weight / counts[item] ** config.rarity for item, weight in theirs.items() if item in past)
            for theirs in (faded(other, place, config.recency) for other, place in places)
        ]
        for (other, place), likeness in zip(places, likenesses, strict=True):
            share = likeness / max(likenesses)
            for step, item in enumerate(other[place : place + config.horizon]):
                scores[user, item] += share**config.sharpness * config.fading_ahead**step * (share >= 0.05)
    return scores


def faded(items: list[int], end: int, recency: float) -> dict[int, float]:
    weights = {item: np.exp(-(end - 1 - place) / recency) for place, item in enumerate(items[:end])}
    return {item: weight for item, weight in weights.items() if weight >= 0.01}


@pytest.mark.parametrize("params", [{}, {"recency": 1.3, "sharpness": 1.0, "rarity": 0.0, "horizon": 5}])
def test_scores_are_what_came_after_like_pasts(params: dict[str, float]) -> None:
    config = NextNeighboursConfig.model_validate(params)
    scores = all_scores(NextNeighbours(config).fit(courses(), seed=0))
    np.testing.assert_allclose(scores, expected_scores(config), rtol=1e-4, atol=1e-5)


def test_who_was_forgotten_is_no_neighbour() -> None:
    dataset = make_dataset([(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0), (2, 0, 1.0)], 3, 4)
    model = NextNeighbours().fit(dataset, seed=0)
    assert model.score(np.array([2], dtype=np.int32))[0, 1] > 0
    model.forget(0)
    scores = model.score(np.array([1], dtype=np.int32))[0]
    assert scores[2] > 0
    assert not scores[1]


def test_a_history_without_order_is_refused() -> None:
    model = NextNeighbours().fit(courses(), seed=0)
    with pytest.raises(ConfigurationError, match="need the order"):
        model.fold_in(Histories(courses().history()))


def test_histories_of_one_item_and_of_thousands() -> None:
    pairs = [(0, item, 1.0) for item in range(3000)] + [(user, user, 1.0) for user in range(1, 20)]
    scores = NextNeighbours().fit(make_dataset(pairs, 21, 3000), seed=0).score(np.arange(21, dtype=np.int32))
    assert np.isfinite(scores).all()
    assert not scores[20].any()
    assert scores[1].any()
