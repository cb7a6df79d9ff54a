from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.factorization import ials
from models.factorization.conjugate_gradient import EXACT
from models.factorization.ials import Ials, IalsConfig
from nightschool.data.density import mean_degree
from nightschool.histories import Histories
from nightschool.testing.recommender import RecommenderContract


class TestIals(RecommenderContract):
    model = Ials


def obvious_ials(scores, config, seed):
    """Users × items in float64 by the formula, one dense system a row; users are solved for once more at the end."""
    liked = scores > 0
    mean, deviation = scores[liked].mean(), scores[liked].std()
    weights = np.where(liked, np.maximum(1 + config.slope * (scores - mean) / (deviation or 1), 0.05), 0)
    drawn = np.random.default_rng(seed).standard_normal((scores.shape[1], config.factors), dtype=np.float32)
    items = drawn.astype(np.float64) * 0.1 / np.sqrt(config.factors) * liked.any(axis=0)[:, None]
    for _ in range(config.epochs):
        users = solve_side(weights, items, config)
        items = solve_side(weights.T, users, config)
    return solve_side(weights, items, config) @ items.T


def solve_side(weights, factors, config):
    n_rows, n_others = (np.count_nonzero(weights.any(axis=axis)) for axis in (1, 0))
    unobserved = config.unobserved * np.count_nonzero(weights) / (n_rows * n_others)
    shared = unobserved * factors.T @ factors
    solved = np.zeros((len(weights), factors.shape[1]))
    for row in np.flatnonzero(weights.any(axis=1)):
        shrinkage = config.regularisation * (np.count_nonzero(weights[row]) + unobserved * n_others)
        system = shared + (factors.T * weights[row]) @ factors + shrinkage * np.eye(factors.shape[1])
        solved[row] = np.linalg.solve(system, factors.T @ weights[row])
    return solved


@pytest.fixture(scope="module")
def ratings(dataset_of):
    """Sixty users, thirty items; a quarter of the pairs rated 1 to 5; the last item is unmet."""
    rng = np.random.default_rng(0)
    met = np.argwhere(rng.random((60, 29)) < 0.25)
    return dataset_of([(int(u), int(i), float(rng.integers(1, 6))) for u, i in met], 60, 30)


def all_scores(model):
    return model.score(np.arange(len(model.known.user_ids), dtype=np.int32))


@pytest.mark.parametrize("slope", [0.0, 0.4])
@pytest.mark.parametrize("factors", [4, 12])
@pytest.mark.parametrize(("residual", "atol"), [(EXACT, 2e-4), (ials._RESIDUAL, 5e-3)])
def test_scores_are_those_of_the_formula(ratings, slope, factors, residual, atol, monkeypatch):
    monkeypatch.setattr(ials, "_RESIDUAL", residual)
    config = IalsConfig(factors=factors, epochs=4, slope=slope, regularisation=0.03, unobserved=1.2)
    model = Ials(config).fit(ratings, seed=5)
    expected = obvious_ials(ratings.scores().toarray().astype(np.float64), config, 5)
    np.testing.assert_allclose(all_scores(model), expected, atol=atol)


def test_equal_scores_weigh_one_whatever_they_are(ratings):
    fits = [
        all_scores(Ials().fit(replace(ratings, interactions=ratings.interactions.with_columns(score=score)), seed=1))
        for score in (pl.lit(1.0, pl.Float32), pl.lit(4.0, pl.Float32))
    ]
    assert np.array_equal(*fits)


def test_an_item_or_user_without_likes_scores_zero(planted):
    scores = all_scores(Ials().fit(planted, seed=0))
    assert not scores[41].any()
    disliked_only = replace(planted, interactions=planted.interactions.with_columns(score=pl.lit(0.0, pl.Float32)))
    assert not all_scores(Ials().fit(disliked_only, seed=0)).any()


def test_taste_is_found(planted):
    scores = all_scores(Ials(IalsConfig(factors=4)).fit(planted, seed=0))
    assert scores[0, :10].min() > scores[0, 10:20].max()
    assert scores[1, 10:20].min() > scores[1, :10].max()


def test_an_unseen_history_is_served_like_a_users(planted):
    model = Ials().fit(planted, seed=0)
    histories = planted.scores()[[0, 1, 41]]
    np.testing.assert_allclose(model.fold_in(Histories(histories)), all_scores(model)[[0, 1, 41]], atol=1e-6)


def test_a_regularisation_chosen_on_few_likes_is_less_where_there_are_more(ratings):
    here = mean_degree(ratings.positives())
    as_it_is, chosen_on_half = Ials().fit(ratings, seed=0), Ials(IalsConfig(likes=here / 2)).fit(ratings, seed=0)
    assert as_it_is.shrinkage[0] == pytest.approx(0.02)
    assert chosen_on_half.shrinkage[0] == pytest.approx(0.01)
    assert np.array_equal(
        chosen_on_half.item_factors, Ials(IalsConfig(regularisation=0.01)).fit(ratings, seed=0).item_factors
    )
