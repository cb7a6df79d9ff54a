import numpy as np
import polars as pl
import pytest

from models.sequential.next_ridge import NextRidge, NextRidgeConfig
from nightschool.contract import Dataset
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


def everything_in_any_order() -> Dataset:
    """Users who have taken everything, each in an order of their own, so that every item precedes every other."""
    rng = np.random.default_rng(5)
    rows = [(user, int(item)) for user in range(40) for item in rng.permutation(15)]
    return Dataset.from_frames(pl.DataFrame(rows, schema=["user_id", "item_id"], orient="row"), ordered=True)


@pytest.fixture
def _without_dense_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a pair of items took a gigabyte."""
    monkeypatch.setattr("models.sequential.next_ridge._BYTES_A_PAIR", 1e9)


@pytest.mark.usefixtures("_without_dense_matrices")
def test_the_sparse_form_is_the_dense_one_where_the_neighbours_are_all_items(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, config = everything_in_any_order(), NextRidgeConfig(l2=5.0, neighbours=15)
    sparse = NextRidge(config).fit(dataset, seed=0)
    assert sparse.note is not None
    assert "each was learned from the 15 that precede it most" in sparse.note
    with pytest.raises(ConfigurationError, match="next_ridge needs"):
        NextRidge(config.model_copy(update={"max_gigabytes": 1e-7})).fit(dataset, seed=0)
    monkeypatch.undo()
    dense = NextRidge(config).fit(dataset, seed=0)
    assert dense.note is None
    np.testing.assert_allclose(sparse.weights.toarray(), dense.weights.toarray(), atol=1e-5)


@pytest.mark.usefixtures("_without_dense_matrices")
def test_weights_of_a_large_catalogue_solve_the_regressions_on_what_precedes_most() -> None:
    dataset = courses()
    config = NextRidgeConfig(recency=3.0, horizon=3, fading_ahead=0.6, l2=5.0)
    past, following = pasts_and_nexts(dataset, 3.0, 3, 0.6)
    gram, cross = past.T @ past, past.T @ following
    diagonal = np.diag(gram) + 5
    expected = np.zeros((N_ITEMS, N_ITEMS))
    for target in range(N_ITEMS):
        near = (cross[:, target] + 1e-3 * gram[:, target]) / np.sqrt(diagonal)
        chosen = np.argsort(-near, kind="stable")[: min(6, np.count_nonzero(near > 1e-9))]
        block = gram[np.ix_(chosen, chosen)] + 5 * np.eye(len(chosen))
        expected[chosen, target] = np.linalg.solve(block, cross[chosen, target])
    np.fill_diagonal(expected, 0)
    sparse = NextRidge(config.model_copy(update={"neighbours": 6})).fit(dataset, seed=0)
    np.testing.assert_allclose(sparse.weights.toarray(), expected, atol=2e-3)


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
