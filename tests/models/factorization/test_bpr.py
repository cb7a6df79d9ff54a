import numpy as np
from threadpoolctl import threadpool_info

from models.factorization import bpr
from models.factorization.bpr import Bpr, BprConfig
from nightschool.testing.recommender import RecommenderContract


class TestBpr(RecommenderContract):
    model = Bpr


def all_scores(model):
    return model.score(np.arange(len(model.known.user_ids), dtype=np.int32))


def test_taste_is_found(planted):
    scores = all_scores(Bpr(BprConfig(factors=8, epochs=200)).fit(planted, seed=0))
    assert scores[0, :10].mean() > scores[0, 10:20].mean() + 1
    assert scores[1, 10:20].mean() > scores[1, :10].mean() + 1


def test_scores_are_factors_and_item_bias(planted):
    model = Bpr(BprConfig(factors=4, epochs=5)).fit(planted, seed=0)
    users, items = model.user_factors, model.item_factors
    assert users.shape == (42, 5)
    assert items.shape == (22, 5)
    assert (users[:41, -1] == 1).all()
    np.testing.assert_allclose(all_scores(model)[:41], users[:41, :4] @ items[:, :4].T + items[:, 4], atol=1e-5)


def test_another_seed_draws_other_pairs(planted):
    first, second = (all_scores(Bpr().fit(planted, seed=seed)) for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_blas_has_one_thread_while_implicit_trains(planted, monkeypatch):
    seen = []

    class Watched(bpr.BayesianPersonalizedRanking):
        def fit(self, *args, **kwargs):
            seen.extend(pool["num_threads"] for pool in threadpool_info())
            super().fit(*args, **kwargs)

    monkeypatch.setattr(bpr, "BayesianPersonalizedRanking", Watched)
    Bpr().fit(planted, seed=0)
    assert set(seen) == {1}
