from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from models import catalog
from nightschool.errors import ConfigurationError, DataRefused
from nightschool.recipe import Recipe

COMPONENTS = [{"model": "ease", "params": {"l2": 5.0}, "weight": 0.7}, {"model": "popularity", "weight": 0.3}]
SMALL = {"trees": 40, "leaves": 4, "min_leaf": 5, "l2": 1.0, "learning_rate": 0.2}
USERS = np.arange(42, dtype=np.int32)


def build(**changes):
    return catalog.build(Recipe.model_validate({"components": COMPONENTS, "reranker": {**SMALL, **changes}}))


def scores_of(model):
    pool = model.pool(USERS)
    return model.combine(pool, USERS)


@pytest.fixture(scope="module")
def crowd(dataset_of):
    """Users of even index want the best known of the items they have not seen, the others the least known.

    Sixty more users make the first twelve items of forty the best known, and know no others.
    """
    rng = np.random.default_rng(0)
    pairs = []
    for user in range(200):
        kind = np.arange(12) if user % 2 == 0 else np.arange(28, 40)
        liked = rng.choice(kind, 6, replace=False)
        filler = rng.choice(np.arange(12, 28), 3, replace=False)
        pairs += [(user, int(item), 1.0) for item in {*liked.tolist(), *filler.tolist()}]
    pairs += [(user, item, 1.0) for user in range(200, 260) for item in range(12)]
    return dataset_of(pairs, 260, 40)


@pytest.mark.parametrize("objective", ["lambdarank", "binary"])
def test_it_learns_that_some_want_what_is_known_and_others_what_is_not(objective, crowd):
    """No weight of popularity serves both, and popularity is all that the blend knows."""
    recipe = {"components": [{"model": "popularity"}], "reranker": {**SMALL, "objective": objective}}
    model = catalog.build(Recipe.model_validate(recipe)).fit(crowd, seed=0)
    users = np.arange(200, dtype=np.int32)
    pool = model.pool(users)
    best = np.take_along_axis(pool.items, np.argsort(-model.combine(pool, users), axis=1)[:, :5], axis=1)
    assert (best[0::2] < 12).mean() > 0.9
    assert (best[1::2] >= 28).mean() > 0.9
    blended = np.take_along_axis(pool.items, np.argsort(-pool.scores[0], axis=1)[:, :5], axis=1)
    assert (blended[1::2] < 12).all()


def test_the_others_stay_behind_in_the_order_of_the_blend(planted):
    model = build(depth=5).fit(planted, seed=0)
    pool, plain = (
        model.pool(USERS),
        catalog.build(Recipe.model_validate({"components": COMPONENTS})).fit(planted, seed=0),
    )
    blended, reranked = plain.combine(pool, USERS), scores_of(model)
    assert np.array_equal(np.isfinite(reranked), np.isfinite(blended))
    assert reranked.dtype == np.float32
    for user in USERS:
        there = np.flatnonzero(np.isfinite(blended[user]))
        order = there[np.argsort(-blended[user, there], kind="stable")]
        ahead, behind = reranked[user, order[:5]], reranked[user, order[5:]]
        assert all(first > second for first, second in pairwise([ahead.min(initial=np.inf), *behind]))


def test_same_seed_same_bits_and_another_fit_replaces(planted):
    model = build().fit(planted, seed=3)
    before = scores_of(model)
    assert np.array_equal(scores_of(build().fit(planted, seed=3)), before)
    shrunk = replace(planted, interactions=planted.interactions.filter(pl.col("user_index") < 30))
    again = build().fit(shrunk, seed=3)
    assert np.array_equal(scores_of(model.fit(shrunk, seed=3)), scores_of(again))


def test_a_user_is_scored_the_same_alone_and_among_all(planted):
    model = build().fit(planted, seed=0)
    together = model.score(USERS)
    alone = np.concatenate([model.score(USERS[[user]]) for user in USERS])
    assert np.array_equal(together, alone)


def test_saved_and_loaded_it_scores_the_same_without_a_pickle(planted, tmp_path):
    model = build().fit(planted, seed=0)
    model.save(tmp_path / "model")
    loaded = catalog.load(tmp_path / "model")
    assert loaded.recipe == model.recipe
    assert np.array_equal(scores_of(loaded), scores_of(model))
    assert {file.suffix for file in tmp_path.rglob("*") if file.is_file()} == {".json", ".npz", ".txt"}


def test_damaged_trees_are_told(planted, tmp_path):
    build().fit(planted, seed=0).save(tmp_path / "model")
    trees = tmp_path / "model" / "reranker" / "trees.txt"
    trees.write_text(trees.read_text()[:100])
    with pytest.raises(ConfigurationError, match="damaged"):
        catalog.load(tmp_path / "model")


def test_a_forgotten_user_is_gone_and_other_lists_stay(planted):
    model = build().fit(planted, seed=0)
    others = planted.user_ids.filter(planted.user_ids != planted.user_ids[7])
    before = model.recommend(others, 5)
    model.forget(7)
    assert model.recommend(others, 5).equals(before)


def test_users_of_another_history_get_the_blend(planted):
    plain = catalog.build(Recipe.model_validate({"components": COMPONENTS})).fit(planted, seed=0)
    history = planted.histories()[USERS]
    assert np.array_equal(build().fit(planted, seed=0).fold_in(history), plain.fold_in(history))


def test_importances_are_shares_of_named_features(planted):
    model = build()
    model.fit(planted, seed=0)
    shares = model.reranker.importances(list(model.parts))
    assert sum(shares.values()) == pytest.approx(1)
    assert "score of ease" in shares
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_a_dataset_whose_pairs_nobody_likes_is_refused(planted):
    with pytest.raises(DataRefused, match="candidates with and without"):
        build(relevant_from=9.0).fit(planted, seed=0)


def test_one_user_and_one_item_are_refused(dataset_of):
    popular = Recipe.model_validate({"components": [{"model": "popularity"}], "reranker": SMALL})
    with pytest.raises(DataRefused):
        catalog.build(popular).fit(dataset_of([(0, 0, 4.0)], 1, 1), seed=0)


def test_equal_scores_are_no_obstacle(planted):
    flat = replace(planted, interactions=planted.interactions.with_columns(score=pl.lit(1.0, pl.Float32)))
    assert build().fit(flat, seed=0).recommend(planted.user_ids, 3).height == 3 * 41


@pytest.mark.parametrize("cut", ["item", "user", "last", "time"])
def test_every_cut_teaches(cut, planted):
    assert np.isfinite(scores_of(build(cut=cut).fit(planted, seed=0))).any()
