from dataclasses import replace

import myfm
import numpy as np
import polars as pl
import pytest
from myfm import RelationBlock
from scipy.sparse import csr_matrix

from models.rating_stack.bayesian_fm import BayesianFm, BayesianFmConfig
from nightschool.capabilities import PredictsRatings
from nightschool.errors import ConfigurationError
from nightschool.testing.recommender import RecommenderContract


class TestBayesianFm(RecommenderContract):
    model = BayesianFm


CONFIG = BayesianFmConfig(rank=3, chains=2, burn_in=5, samples=20)


@pytest.fixture
def described(planted):
    """The two tastes, whose users have a role; user 40 scored the items 0 to 2 within a minute each."""
    roles = pl.Series("role", ["left" if user % 2 else "right" for user in range(42)])
    first = pl.col("timestamp").filter(pl.col("user_index") == 40).first()
    quick = (pl.col("user_index") == 40) & (pl.col("item_index") < 3)
    spread = first + pl.col("item_index").cast(pl.Int64) * pl.duration(seconds=50)
    times = planted.interactions.with_columns(timestamp=pl.when(quick).then(spread).otherwise("timestamp"))
    return replace(planted, users=planted.users.with_columns(roles), interactions=times)


def features(dataset):
    """Id, role or domain, and history of every user and item, cell by cell; 0 and 1, 1 and 2 are met in one session."""
    seen = dataset.history().toarray() * 0
    seen[dataset.interactions["user_index"], dataset.interactions["item_index"]] = 1
    sides = []
    for labels, met in ((dataset.users["role"], seen), (dataset.items["domain"], seen.T)):
        n = len(labels)
        hot = np.array([[label == other for other in sorted(set(labels))] for label in labels], dtype=float)
        weights = met / np.sqrt(np.maximum(met.sum(axis=1, keepdims=True), 1))
        sides.append(np.hstack([np.eye(n), hot, weights]))
    together = np.zeros((22, 22))
    together[[0, 1, 1, 2], [1, 0, 2, 1]] = [1, np.sqrt(0.5), np.sqrt(0.5), 1]
    return [sides[0], np.hstack([sides[1], together])]


def test_predictions_are_the_posterior_mean_of_myfms_own_regressor(described):
    model = BayesianFm(CONFIG).fit(described, seed=4)
    users, items = features(described)
    pairs = described.interactions
    met = [RelationBlock(pairs[f"{side}_index"], csr_matrix(rows)) for side, rows in (("user", users), ("item", items))]
    every = csr_matrix(np.hstack([np.repeat(users, 22, axis=0), np.tile(items, (42, 1))]))
    scores = pairs["score"].to_numpy().astype(float)
    drawn = []
    for chain in (8, 9):
        reference = myfm.MyFMRegressor(rank=3, random_seed=chain)
        reference.fit(None, scores, X_rel=met, n_iter=25, n_kept_samples=20)
        drawn += [sample.predict_score(every, []) for sample in reference.predictor_.samples]
    expected = np.mean(drawn, axis=0)
    assert np.abs(model.score(np.arange(42, dtype=np.int32)) - expected.reshape(42, 22)).max() < 1e-4


def test_taste_is_recovered(described):
    assert isinstance(BayesianFm(), PredictsRatings)
    model = BayesianFm().fit(described, seed=0)
    own = model.predict(np.zeros(10, dtype=np.int32), np.arange(10, dtype=np.int32))
    other = model.predict(np.zeros(10, dtype=np.int32), np.arange(10, 20, dtype=np.int32))
    assert own.min() > other.max() + 2
    assert own.max() <= 5
    assert other.min() >= 0


def test_an_attribute_speaks_for_who_has_rated_nothing(described):
    """User 41 is of the role of the users with odd indices, who like the items 10 to 19."""
    scores = BayesianFm().fit(described, seed=0).score(np.array([41], dtype=np.int32))[0]
    assert scores[10:20].mean() > scores[:10].mean() + 1


def test_the_unknown_get_what_the_other_side_says(described):
    model = BayesianFm(CONFIG).fit(described, seed=0)
    unknown, item = np.array([-1], dtype=np.int32), np.array([2], dtype=np.int32)
    assert np.allclose(model.predict(unknown, item), model.mean + model.item_biases[2])
    assert np.allclose(model.predict(unknown, unknown), model.mean)


def test_samples_over_the_budget_are_refused(planted):
    with pytest.raises(ConfigurationError, match=r"samples of bayesian_fm need.*max_gigabytes=1e-06"):
        BayesianFm(BayesianFmConfig(max_gigabytes=1e-6)).fit(planted, seed=0)


def test_scores_that_are_not_graded_are_refused(planted):
    with pytest.raises(ConfigurationError, match="bayesian_fm needs graded scores"):
        BayesianFm().fit(replace(planted, score_range=None), seed=0)
