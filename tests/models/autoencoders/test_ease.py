from dataclasses import replace
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from models.autoencoders.ease import Ease, EaseConfig
from nightschool.errors import ConfigurationError, DataRefused, NightschoolError
from nightschool.testing.recommender import RecommenderContract


class TestEase(RecommenderContract):
    model = Ease
    refuses: ClassVar = {"only dislikes": "above zero"}


def dense_ease(positives, l2, dropout=0.0):
    """The papers' closed form, in float64."""
    gram = positives.T @ positives
    penalty = l2 + dropout / (1 - dropout) * gram.diagonal()
    inverse = np.linalg.inv(gram + np.diag(penalty))
    weights = -inverse / inverse.diagonal()
    np.fill_diagonal(weights, 0)
    return weights


@pytest.fixture(scope="module")
def likes(dataset_of):
    """Three hundred users with skewed tastes over 1,200 items; the last one is unmet."""
    rng = np.random.default_rng(0)
    chance = np.minimum(0.5, 8 / np.arange(1, 1200))
    pairs = [(int(u), int(i), 1.0) for u, i in np.argwhere(rng.random((300, 1199)) < chance)]
    return dataset_of(pairs, 300, 1200)


def test_all_weights_equal_the_closed_form(likes):
    model = Ease(EaseConfig(l2=20, weights_per_item=1200)).fit(likes, seed=0)
    expected = dense_ease(likes.positives().toarray().astype(np.float64), 20)
    np.testing.assert_allclose(model.item_weights().toarray(), expected, atol=1e-5)


def test_dropout_shrinks_what_many_have_met(likes):
    model = Ease(EaseConfig(l2=20, dropout=0.4, weights_per_item=1200)).fit(likes, seed=0)
    expected = dense_ease(likes.positives().toarray().astype(np.float64), 20, 0.4)
    np.testing.assert_allclose(model.item_weights().toarray(), expected, atol=1e-5)


def test_weighted_it_learns_from_the_scores_and_a_history_speaks_in_ones(planted):
    model = Ease(EaseConfig(l2=5, weighted=True, weights_per_item=22)).fit(planted, seed=0)
    shares = np.maximum(planted.history().toarray().astype(np.float64), 0) / 5.0
    np.testing.assert_allclose(model.item_weights().toarray(), dense_ease(shares, 5), atol=1e-5)
    scores = model.score(np.arange(planted.n_users, dtype=np.int32))
    np.testing.assert_allclose(scores, (shares > 0) @ dense_ease(shares, 5), atol=1e-4)


def test_what_is_not_learned_from_still_speaks_in_a_history(planted):
    unlearned = (planted.interactions["user_index"] != 0).to_numpy()
    model = Ease(EaseConfig(l2=5)).fit(replace(planted, learned=unlearned), seed=0)
    without = replace(planted, interactions=planted.interactions.filter(pl.Series(unlearned)))
    assert (model.item_weights() != Ease(EaseConfig(l2=5)).fit(without, seed=0).item_weights()).nnz == 0
    first = np.array([0], dtype=np.int32)
    assert np.array_equal(model.score(first), model.fold_in(planted.histories()[first]))
    assert model.score(first).any()


def test_each_history_item_keeps_its_largest_weights(likes):
    model = Ease(EaseConfig(l2=20, weights_per_item=7)).fit(likes, seed=0)
    everything = Ease(EaseConfig(l2=20, weights_per_item=1200)).fit(likes, seed=0).item_weights().toarray()
    found = model.item_weights().toarray()
    for row, kept in zip(everything, found, strict=True):
        largest = sorted(range(1200), key=lambda item: -abs(row[item]))[:7]
        expected = np.zeros(1200, dtype=np.float32)
        expected[largest] = row[largest]
        assert np.array_equal(kept, expected)


def test_dislikes_and_zeros_are_not_likes(planted):
    liked = replace(planted, interactions=planted.interactions.filter(pl.col("score") > 0))
    assert (Ease().fit(planted, seed=0).item_weights() != Ease().fit(liked, seed=0).item_weights()).nnz == 0


def test_an_item_nobody_met_has_no_weights(likes):
    weights = Ease().fit(likes, seed=0).item_weights().toarray()
    assert not weights[1199].any()
    assert not weights[:, 1199].any()


def test_planted_tastes_are_found(planted):
    model = Ease(EaseConfig(l2=5)).fit(planted, seed=0)
    for user in range(40):
        own = range(100, 110) if user % 2 == 0 else range(110, 120)
        best = model.recommend(planted.user_ids[[user]], 3)["item_id"].to_list()
        assert set(best) <= set(own)


def test_a_matrix_beyond_the_memory_is_learned_from_the_nearest_and_says_so(likes):
    whole = Ease(EaseConfig(l2=20, weights_per_item=1200)).fit(likes, seed=0)
    assert whole.note is None
    config = EaseConfig(l2=20, weights_per_item=1200, neighbours=100, max_gigabytes=0.009)
    nearest = Ease(config).fit(likes, seed=0)
    assert nearest.note == (
        "ease: 1,145 items would need 0.01 GB as a dense matrix, so each was learned from its 100 nearest alone"
    )
    assert np.diff(nearest.item_weights().T.tocsr().indptr).max() == 100
    users = np.arange(300, dtype=np.int32)
    assert np.corrcoef(nearest.score(users).ravel(), whole.score(users).ravel())[0, 1] > 0.85


def test_a_budget_below_the_sparse_form_is_refused(likes):
    with pytest.raises(ConfigurationError, match=r"ease needs 0\.0074 GB for 1,145 items even in its sparse form"):
        Ease(EaseConfig(max_gigabytes=0.001)).fit(likes, seed=0)


def test_what_float32_cannot_invert_is_inverted_in_float64(dataset_of):
    twins = dataset_of([(user, item, 1.0) for user in range(400) for item in range(50)], 400, 50)
    model = Ease(EaseConfig(l2=1e-4, weights_per_item=50)).fit(twins, seed=0)
    expected = dense_ease(np.ones((400, 50)), 1e-4)
    np.testing.assert_allclose(model.item_weights().toarray(), expected, atol=1e-4)


def test_what_nothing_can_invert_says_so(dataset_of):
    twins = dataset_of([(user, item, 1.0) for user in range(400) for item in range(50)], 400, 50)
    with pytest.raises(NightschoolError, match=r"cannot be inverted.*l2=1e-12.*raise ease\.l2"):
        Ease(EaseConfig(l2=1e-12)).fit(twins, seed=0)


def test_without_likes_it_is_refused(dataset_of):
    with pytest.raises(DataRefused, match="ease needs scores above zero"):
        Ease().fit(dataset_of([(0, 0, 0.0), (1, 1, -1.0)], 2, 2), seed=0)
