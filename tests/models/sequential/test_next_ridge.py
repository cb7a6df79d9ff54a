import numpy as np
import pytest

from models.sequential.next_ridge import NextRidge, NextRidgeConfig
from nightschool.errors import ConfigurationError, NightschoolError
from nightschool.histories import Histories
from nightschool.testing.datasets import make_dataset
from nightschool.testing.recommender import RecommenderContract
from tests.models.sequential.courses import FOLLOW, N_ITEMS, courses, pasts_and_nexts


class TestNextRidge(RecommenderContract):
    model = NextRidge
    refuses = FOLLOW


@pytest.mark.parametrize(("recency", "horizon", "ahead"), [(3.0, 3, 0.6), (0.7, 1, 1.0), (8.0, 5, 0.9)])
def test_weights_solve_the_regression_from_pasts_to_nexts(recency: float, horizon: int, ahead: float) -> None:
    dataset = courses()
    config = NextRidgeConfig(recency=recency, horizon=horizon, fading_ahead=ahead, l2=5.0)
    past, following = pasts_and_nexts(dataset, recency, horizon, ahead)
    expected = np.linalg.solve(past.T @ past + 5 * np.eye(N_ITEMS), past.T @ following)
    np.fill_diagonal(expected, 0)
    weights = NextRidge(config).fit(dataset, seed=0).weights.toarray()
    np.testing.assert_allclose(weights, expected, atol=2e-3)


def test_the_newest_item_counts_most() -> None:
    dataset = courses()
    model = NextRidge(NextRidgeConfig(recency=2.0)).fit(dataset, seed=0)
    histories = dataset.histories()[[0]]
    assert histories.places is not None
    newest = model.weights[[histories.scores.indices[histories.places == 0][0]]].toarray()[0]
    faded = sum(
        np.exp(-place / 2) * model.weights[[item]].toarray()[0]
        for item, place in zip(histories.scores.indices, histories.places, strict=True)
    )
    np.testing.assert_allclose(model.fold_in(histories)[0], faded, rtol=1e-4, atol=1e-6)
    assert np.argmax(newest) == np.argmax(model.fold_in(histories)[0])


def test_a_history_without_order_is_refused() -> None:
    model = NextRidge().fit(courses(), seed=0)
    with pytest.raises(ConfigurationError, match="need the order"):
        model.fold_in(Histories(courses().history()))


def test_what_cannot_be_inverted_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.sequential.next_ridge.past_gram", lambda *_: -np.eye(N_ITEMS, dtype=np.float32) * 9)
    with pytest.raises(NightschoolError, match="cannot be inverted"):
        NextRidge(NextRidgeConfig(l2=1.0)).fit(courses(), seed=0)


def test_histories_of_one_item_and_of_thousands() -> None:
    pairs = [(0, item, 1.0) for item in range(3000)] + [(user, user, 1.0) for user in range(1, 20)]
    dataset = make_dataset(pairs, 21, 3000)
    scores = NextRidge().fit(dataset, seed=0).score(np.arange(21, dtype=np.int32))
    assert np.isfinite(scores).all()
    assert not scores[20].any()
    assert scores[1].any()
