from dataclasses import replace

import numpy as np
import polars as pl

from models.factorization.ials import Ials, IalsConfig
from models.factorization.new_items import with_new_items
from nightschool.data.features import features_of
from nightschool.item_columns import ItemColumns

LIKED = np.arange(22) < 20


def test_a_new_item_takes_the_mean_of_the_liked_items_by_the_third_power_of_their_cosine(planted):
    factors = np.random.default_rng(1).normal(size=(planted.n_items, 3)).astype(np.float32)
    features = features_of(planted, 2.0).toarray()
    cosines = features[20] @ features[:20].T
    assert 0 < np.count_nonzero(cosines) < 20
    found = with_new_items(factors, planted, LIKED)
    np.testing.assert_allclose(found[20], np.average(factors[:20], axis=0, weights=cosines**3), rtol=1e-5)
    assert np.array_equal(np.delete(found, 20, axis=0), np.delete(factors, 20, axis=0))  # item 21 is not available


def test_without_a_description_nothing_changes(planted):
    blank = planted.items.with_columns(pl.lit(None, pl.String).alias("text"))
    bare = replace(planted, items=blank, item_columns=type(planted.item_columns)())
    factors = np.ones((planted.n_items, 3), dtype=np.float32)
    factors[20:] = 0
    assert np.array_equal(with_new_items(factors, bare, LIKED), factors)
    assert np.array_equal(with_new_items(factors, planted, ~LIKED & LIKED), factors)


def test_a_new_item_is_ranked_among_those_that_it_resembles(planted):
    unliked = replace(planted, interactions=planted.interactions.filter(pl.col("item_index") != 20))
    scores = Ials(IalsConfig(factors=4)).fit(unliked, seed=0).score(np.array([0, 1], dtype=np.int32))
    assert scores[1, 20] > scores[1, :10].max()
    assert scores[0, 20] < scores[0, :10].min()


def test_vectors_say_what_a_new_item_is_near_to(planted):
    image = np.eye(planted.n_items, dtype=np.float32)
    image[20] = image[10] - image[11]
    items = planted.items.with_columns(pl.lit(None, pl.String).alias("text"), pl.Series("image", image).arr.to_list())
    dataset = replace(planted, items=items, item_columns=ItemColumns(vectors=("image",)))
    factors = np.random.default_rng(1).normal(size=(planted.n_items, 3)).astype(np.float32)
    np.testing.assert_allclose(with_new_items(factors, dataset, LIKED)[20], factors[10], rtol=1e-5)
