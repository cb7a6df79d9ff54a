from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from models.autoencoders.dlae import Dlae, DlaeConfig
from nightschool.data.features import item_features
from nightschool.errors import ConfigurationError, DataRefused
from nightschool.testing.recommender import RecommenderContract


class TestDlae(RecommenderContract):
    model = Dlae
    refuses: ClassVar = {"only dislikes": "above zero"}


PAINTING_NOBODY_MET = 20


def dense_dlae(gram, counts, l2, dropout):
    """The paper's closed form, in float64, with its diagonal cut out."""
    penalty = l2 + dropout / (1 - dropout) * counts
    weights = np.linalg.solve(gram + np.diag(penalty), gram)
    np.fill_diagonal(weights, 0)
    return weights


def gram_of(dataset):
    likes = dataset.positives().toarray().astype(np.float64)
    return likes.T @ likes


@pytest.fixture
def likes(dataset_of):
    """Two hundred users with skewed tastes over three hundred items."""
    chance = np.minimum(0.6, 4 / np.arange(1, 301))
    met = np.random.default_rng(0).random((200, 300)) < chance
    return dataset_of([(int(user), int(item), 1.0) for user, item in np.argwhere(met)], 200, 300)


@pytest.fixture
def untimed(likes):
    """The same without times."""
    never = pl.lit(None, pl.Datetime("us", "UTC")).alias("timestamp")
    return replace(likes, interactions=likes.interactions.with_columns(never))


@pytest.fixture
def timed(likes):
    """The same, each at a random minute of the day."""
    minutes = np.random.default_rng(1).integers(0, 1440, likes.interactions.height)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    times = pl.Series("timestamp", [start + timedelta(minutes=int(minute)) for minute in minutes])
    return replace(likes, interactions=likes.interactions.with_columns(times.cast(pl.Datetime("us", "UTC"))))


def test_all_weights_equal_the_closed_form(likes):
    model = Dlae(DlaeConfig(l2=20, dropout=0.4, content=0, cotime=0, weights_per_item=300)).fit(likes, seed=0)
    gram = gram_of(likes)
    met = np.flatnonzero(gram.diagonal())
    expected = np.zeros((300, 300))
    expected[np.ix_(met, met)] = dense_dlae(gram[np.ix_(met, met)], gram.diagonal()[met], 20, 0.4)
    np.testing.assert_allclose(model.item_weights().toarray(), expected, atol=1e-5)


def test_content_counts_as_likes(planted):
    model = Dlae(DlaeConfig(l2=5, dropout=0.4, content=10, cotime=0, weights_per_item=22)).fit(planted, seed=0)
    features = item_features(planted.items, planted.item_columns, planted.available).toarray().astype(np.float64)
    gram = gram_of(planted)
    expected = dense_dlae(gram + 10 * features @ features.T, gram.diagonal(), 5, 0.4)
    np.testing.assert_allclose(model.item_weights().toarray(), expected, atol=1e-5)


def test_nearness_in_time_counts_as_likes(timed):
    model = Dlae(DlaeConfig(l2=20, dropout=0.6, cotime=2, weights_per_item=300)).fit(timed, seed=0)
    gram = gram_of(timed)
    counts = gram.diagonal().copy()
    for _, history in timed.interactions.sort("user_index", "timestamp", "item_index").group_by("user_index"):
        items = history["item_index"].to_list()
        for place, item in enumerate(items):
            for other_place, other in enumerate(items):
                gram[item, other] += 2 * np.exp(-abs(place - other_place) / 5)
    met = np.flatnonzero(counts)
    expected = np.zeros((300, 300))
    expected[np.ix_(met, met)] = dense_dlae(gram[np.ix_(met, met)], counts[met], 20, 0.6)
    np.testing.assert_allclose(model.item_weights().toarray(), expected, atol=1e-5)


def test_planted_tastes_are_found(planted):
    model = Dlae(DlaeConfig(l2=5)).fit(planted, seed=0)
    for user in range(40):
        own = range(100, 110) if user % 2 == 0 else range(110, 120)
        assert set(model.recommend(planted.user_ids[[user]], 3)["item_id"]) <= set(own)


def test_with_content_an_item_nobody_met_reaches_who_likes_its_kind(planted):
    unmet = replace(planted, interactions=planted.interactions.filter(pl.col("user_index") < 40))
    both = np.array([0, 1], dtype=np.int32)
    assert not Dlae(DlaeConfig(l2=5, content=0)).fit(unmet, seed=0).score(both)[:, PAINTING_NOBODY_MET].any()
    counts, paints = Dlae(DlaeConfig(l2=5, content=10)).fit(unmet, seed=0).score(both)[:, PAINTING_NOBODY_MET]
    assert paints > counts


def test_beyond_the_memory_all_of_it_is_learned_from_the_nearest(timed):
    texts = pl.Series("text", [f"word{item % 7} word{item % 11} word{item % 5}" for item in range(300)])
    described = replace(timed, items=timed.items.with_columns(texts))
    params = {"l2": 20.0, "dropout": 0.7, "content": 5.0, "cotime": 1.0, "weights_per_item": 300}
    whole = Dlae(DlaeConfig(**params)).fit(described, seed=0)
    nearest = Dlae(DlaeConfig(**params, neighbours=30, max_gigabytes=6e-4)).fit(described, seed=0)
    assert nearest.note is not None
    assert nearest.note.startswith("dlae: 300 items")
    users = np.arange(200, dtype=np.int32)
    assert np.corrcoef(nearest.score(users).ravel(), whole.score(users).ravel())[0, 1] > 0.85


def test_a_budget_below_the_sparse_form_is_refused(likes):
    with pytest.raises(ConfigurationError, match=r"dlae needs .* GB for .* items even in its sparse form"):
        Dlae(DlaeConfig(max_gigabytes=1e-6)).fit(likes, seed=0)


def test_without_descriptions_and_times_it_learns_from_likes_alone_and_says_so(untimed, timed):
    model = Dlae().fit(untimed, seed=0)
    assert model.note == (
        "dlae.content is without effect: no item is described; dlae.cotime is without effect: no like has a time"
    )
    alone = Dlae(DlaeConfig(content=0, cotime=0)).fit(timed, seed=0)
    assert alone.note is None
    assert np.array_equal(model.item_weights().toarray(), alone.item_weights().toarray())


def test_without_likes_it_is_refused(dataset_of):
    with pytest.raises(DataRefused, match="dlae needs scores above zero"):
        Dlae().fit(dataset_of([(0, 0, 0.0), (1, 1, -1.0)], 2, 2), seed=0)


def test_one_user_and_one_item_have_no_weights(dataset_of):
    model = Dlae(DlaeConfig(weights_per_item=1)).fit(dataset_of([(0, 0, 4.0)], 1, 1), seed=0)
    assert model.item_weights().nnz == 0
