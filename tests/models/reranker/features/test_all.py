from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models import catalog
from models.reranker.features.all import CandidateFeatures, ranks
from models.reranker.features.history import content_nearness
from nightschool.errors import ConfigurationError
from nightschool.ranking.topk import top_k
from nightschool.recipe import Recipe

RECIPE = Recipe.model_validate({"components": [{"model": "ease", "params": {"l2": 5.0}}, {"model": "popularity"}]})
USERS = np.array([0, 1, 41], dtype=np.int32)


@pytest.fixture
def features(planted):
    return CandidateFeatures.of(planted, content_nearness(planted))


def rows_of(features, dataset, users=USERS, depth=5):
    blended = catalog.build(RECIPE).fit(dataset, seed=0)
    pool = blended.pool(users)
    scores = blended.combine(pool, users)
    return features.rows(pool, top_k(scores, depth).items, scores, users)


def test_each_candidate_has_a_row_and_each_name_a_column(features, planted):
    names = features.names(["ease", "popularity"])
    assert rows_of(features, planted).shape == (15, len(names))
    assert len(set(names)) == len(names)
    assert names[:6] == ["score of ease", "rank by ease", "score of popularity", "rank by popularity", *names[4:6]]


def test_the_blends_ranks_count_from_one_in_the_order_asked_for(features, planted):
    column = features.names(["ease", "popularity"]).index("rank by the blend")
    assert rows_of(features, planted)[:, column].tolist() == [1, 2, 3, 4, 5] * 3


def test_a_user_has_the_same_rows_alone_and_among_others(features, planted):
    together = rows_of(features, planted)
    alone = np.concatenate([rows_of(features, planted, USERS[[place]]) for place in range(3)])
    assert np.array_equal(together, alone, equal_nan=True)


def test_ranks_put_padding_last_and_keep_ties_in_place():
    scores = np.array([[1.0, 3.0, 0.0, 3.0]], dtype=np.float32)
    assert ranks(scores, np.array([[4, 5, -1, 6]])).tolist() == [[3, 1, 4, 2]]


def test_no_feature_knows_an_index(planted):
    """Users and items in another order have the same features."""
    order = np.random.default_rng(1).permutation(planted.n_items).astype(np.int32)
    place = np.argsort(order).astype(np.int32)
    pairs = planted.interactions.with_columns(
        item_index=pl.Series(place[planted.interactions["item_index"].to_numpy()])
    )
    shuffled = replace(
        planted,
        interactions=pairs.sort("user_index", "item_index"),
        items=planted.items[order],
        item_ids=planted.item_ids[order],
        available=planted.available[order],
    )
    before, after = (
        rows_of(CandidateFeatures.of(one, content_nearness(one)), one, depth=22) for one in (planted, shuffled)
    )
    for features in (before, after):
        features.sort(axis=0)
    ties = [
        name
        for name in range(before.shape[1])
        if "rank" in CandidateFeatures.of(planted, content_nearness(planted)).names(["ease", "popularity"])[name]
    ]
    kept = np.setdiff1d(np.arange(before.shape[1]), ties)
    np.testing.assert_allclose(before[:, kept], after[:, kept], atol=1e-4)


def test_saved_and_loaded_it_gives_the_same_rows(features, planted, tmp_path):
    features.save(tmp_path)
    assert {file.suffix for file in tmp_path.iterdir()} == {".npz"}
    assert np.array_equal(
        rows_of(CandidateFeatures.load(tmp_path), planted), rows_of(features, planted), equal_nan=True
    )


def test_a_damaged_file_is_told(features, tmp_path):
    features.save(tmp_path)
    (tmp_path / "seasons.npz").write_bytes(b"half")
    with pytest.raises(ConfigurationError, match="damaged"):
        CandidateFeatures.load(tmp_path)


def test_without_a_user_the_others_keep_their_rows(features, planted):
    blended = catalog.build(RECIPE).fit(planted, seed=0)
    pool = blended.pool(USERS[1:])
    scores = blended.combine(pool, USERS[1:])
    places = top_k(scores, 5).items
    before = features.rows(pool, places, scores, USERS[1:])
    after = features.without(0).rows(pool, places, scores, USERS[1:] - 1)
    assert np.array_equal(before, after, equal_nan=True)
