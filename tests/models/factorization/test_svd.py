from dataclasses import replace
from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
import surprise

from models.factorization.surprise_trainset import trainset
from models.factorization.svd import Svd, SvdConfig
from models.ratings import Ratings
from nightschool.capabilities import PredictsRatings
from nightschool.errors import ConfigurationError
from nightschool.testing.recommender import RecommenderContract


class TestSvd(RecommenderContract):
    model = Svd
    refuses: ClassVar = {"no graded scores": "svd.negatives"}


@pytest.fixture(scope="module")
def rated(dataset_of):
    """Sixty users and thirty items rated 1 to 5; user 59 and item 29 are unrated."""
    rng = np.random.default_rng(0)
    seen = rng.random((59, 29)) < 0.3
    taste, kind = rng.normal(size=(59, 2)), rng.normal(size=(29, 2))
    ratings = np.clip(np.rint(3 + taste @ kind.T), 1, 5)
    pairs = [(int(user), int(item), float(ratings[user, item])) for user, item in np.argwhere(seen)]
    return replace(dataset_of(pairs, 60, 30), score_range=(1.0, 5.0))


CONFIG = SvdConfig(factors=8, epochs=60, learning_rate=0.02)


@pytest.fixture(scope="module")
def model(rated):
    return Svd(CONFIG).fit(rated, seed=7)


@pytest.fixture(scope="module")
def reference(rated):
    """Surprise on the same rows, its inner ids in our order, so that it starts from the same factors."""
    ratings = trainset(Ratings.graded(rated))
    return surprise.SVD(n_factors=8, n_epochs=60, lr_all=0.02, random_state=7).fit(ratings)


def test_predictions_equal_surprises_own_for_every_pair_and_the_unknown(model, reference):
    assert isinstance(model, PredictsRatings)
    pairs = np.array([(user, item) for user in range(-1, 60) for item in range(-1, 30)], dtype=np.int32)
    found = model.predict(pairs[:, 0], pairs[:, 1])
    expected = [reference.predict(user, item).est for user, item in pairs.tolist()]
    assert np.abs(found - np.array(expected)).max() < 1e-4
    assert found.dtype == np.float32
    assert found.min() == 1  # the tastes are strong enough that clipping is put to work at both ends
    assert found.max() == 5


def test_scores_are_the_predictions_before_clipping(model, reference):
    scores = model.score(np.arange(60, dtype=np.int32))
    expected = [[reference.predict(user, item, clip=False).est for item in range(30)] for user in range(60)]
    assert np.abs(scores - np.array(expected)).max() < 1e-4


def test_factors_are_surprises_own_but_for_float32(model, reference):
    assert np.abs(model.user_factors[:59] - reference.pu).max() < 1e-4
    assert np.abs(model.item_factors[:29] - reference.qi).max() < 1e-4
    assert not model.user_factors[59:].any()
    assert not model.item_biases[29:].any()


def rmse_beside_surprise(dataset_of, rows, scale):
    """Of `svd` and of Surprise with its own trainset, on every fifth of shuffled rows of user, item and score."""
    rows = rows[np.random.default_rng(0).permutation(len(rows))]
    train, test = np.split(rows, [len(rows) * 4 // 5])
    frame = pd.DataFrame(train, columns=["user", "item", "score"])
    surprises = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=scale)).build_full_trainset()
    theirs = surprise.SVD(n_factors=50, random_state=0).fit(surprises).test(test.tolist())
    pairs = list(zip(train[:, 0].astype(int).tolist(), train[:, 1].astype(int).tolist(), train[:, 2], strict=True))
    shape = (rows[:, :2].max(axis=0).astype(int) + 1).tolist()
    model = Svd().fit(replace(dataset_of(pairs, *shape), score_range=scale), seed=0)
    ours = model.predict(test[:, 0].astype(np.int32), test[:, 1].astype(np.int32))
    return np.sqrt(((ours - test[:, 2]) ** 2).mean()), surprise.accuracy.rmse(theirs, verbose=False)


def test_on_movielens_it_is_as_good_as_surprise(dataset_of, data_root):
    file = data_root / "movielens-100k" / "u.data"
    rows = pl.read_csv(file, separator="\t", has_header=False).select(pl.nth(0, 1, 2).cast(pl.Float64)).to_numpy()
    ours, theirs = rmse_beside_surprise(dataset_of, rows, (1, 5))
    assert abs(ours - theirs) < 0.002
    assert ours < 0.95


def test_on_simulated_tastes_it_is_as_good_as_surprise(dataset_of):
    rng = np.random.default_rng(1)
    users, items = np.nonzero(rng.random((2000, 300)) < 0.2)
    mood, quality, taste, kind = (rng.normal(size=n) for n in (2000, 300, 2000, 300))
    scores = 5 + mood[users] + quality[items] + 0.5 * taste[users] * kind[items] + 0.5 * rng.normal(size=len(users))
    ours, theirs = rmse_beside_surprise(dataset_of, np.column_stack([users, items, scores]), (0, 10))
    assert abs(ours - theirs) < 0.002
    assert ours < 0.6 * scores.std()


def test_taste_is_recovered(model, rated):
    pairs = rated.interactions
    errors = model.predict(pairs["user_index"].to_numpy(), pairs["item_index"].to_numpy()) - pairs["score"].to_numpy()
    assert np.sqrt((errors**2).mean()) < 0.6 * pairs["score"].to_numpy().std()


def test_another_seed_gives_other_factors(model, rated):
    other = Svd(CONFIG).fit(rated, seed=8)
    assert not np.array_equal(other.user_factors, model.user_factors)


def test_a_dislike_is_the_lowest_score_there_is(rated):
    lowest = rated.interactions.with_columns(score=pl.col("score").replace({1.0: -10.0}))
    assert lowest["score"].min() == -10
    disliked = Svd(CONFIG).fit(replace(rated, interactions=lowest), seed=7)
    assert np.array_equal(disliked.item_factors, Svd(CONFIG).fit(rated, seed=7).item_factors)


def test_what_is_not_learned_from_leaves_its_user_unknown(rated):
    learned = (rated.interactions["user_index"] != 0).to_numpy()
    model = Svd(CONFIG).fit(replace(rated, learned=learned), seed=7)
    assert not model.user_factors[0].any()
    without = replace(rated, interactions=rated.interactions.filter(pl.Series(learned)))
    assert np.array_equal(model.item_factors, Svd(CONFIG).fit(without, seed=7).item_factors)


def test_scores_that_are_not_graded_are_refused(rated):
    with pytest.raises(ConfigurationError, match=r"graded scores.*set svd\.negatives"):
        Svd().fit(replace(rated, score_range=None), seed=0)
    with pytest.raises(ConfigurationError, match=r"svd\.negatives is for data without graded scores; saw 4"):
        Svd(SvdConfig(negatives=4)).fit(rated, seed=0)


def test_against_drawn_zeros_what_was_met_is_told_from_what_was_not(planted):
    met = planted.interactions.with_columns(score=pl.when(pl.col("score") > 0).then(1.0).otherwise(-5.0))
    ungraded = replace(planted, interactions=met.cast({"score": pl.Float32}), score_range=None)
    model = Svd(SvdConfig(negatives=2, factors=4, epochs=100, learning_rate=0.05)).fit(ungraded, seed=0)
    own = model.predict(np.zeros(10, dtype=np.int32), np.arange(10, dtype=np.int32))
    other = model.predict(np.zeros(10, dtype=np.int32), np.arange(10, 20, dtype=np.int32))
    assert own.mean() > 0.5 > other.mean()
    assert (own.max(), other.min()) <= (1.0, 1.0)
    assert other.min() >= 0.0
    best = model.recommend(ungraded.user_ids[[0]], 3)["item_id"]
    assert best.is_between(100, 109).all()
    again = Svd(SvdConfig(negatives=2, factors=4, epochs=100, learning_rate=0.05)).fit(ungraded, seed=0)
    assert np.array_equal(again.item_factors, model.item_factors)
