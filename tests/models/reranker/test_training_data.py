from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models import catalog
from models.reranker.features.all import CandidateFeatures
from models.reranker.features.history import content_nearness
from models.reranker.splits import Held, rotating_cuts
from models.reranker.training_data import TrainingSetBuilder, join_batches
from nightschool.recipe import Recipe

RECIPE = Recipe.model_validate({"components": [{"model": "ease", "params": {"l2": 5.0}}]})
BUILDER = TrainingSetBuilder(depth=20, relevant_from=0.0, max_users=100, seed=0)


@pytest.fixture
def held(planted):
    return next(rotating_cuts(planted, "user", 4, seed=0))


def build(builder, held):
    features = CandidateFeatures.of(held.rest, content_nearness(held.rest))
    return builder.batch(held, catalog.build(RECIPE).fit(held.rest, seed=0), features)


def test_hits_are_the_liked_pairs_that_were_held_out(held):
    batch = build(BUILDER, held)
    # Twenty candidates are all that is left; item 21 is not available.
    liked = held.pairs.filter(pl.col("score") > 0, pl.col("item_index") != 21)
    assert batch.labels.sum() == liked.height
    assert len(batch.features) == len(batch.labels) == len(batch.starts) == batch.sizes.sum()
    assert len(batch.sizes) == liked["user_index"].n_unique()


def test_what_scores_below_the_lowest_hit_is_none(held):
    # Only user 40 gives threes; all others give fives or zeros.
    fives = held.pairs.filter(pl.col("score") == 5)
    assert build(replace(BUILDER, relevant_from=4.0), held).labels.sum() == fives.height


def test_users_are_drawn_where_there_are_more(held):
    few = replace(BUILDER, max_users=7)
    assert len(build(few, held).sizes) == 7
    assert np.array_equal(build(few, held).features, build(few, held).features, equal_nan=True)


def test_users_who_met_no_candidate_are_left_out(held):
    batch = build(replace(BUILDER, depth=1), held)
    assert batch.labels.all()
    assert 0 < len(batch.sizes) < 40


def test_features_come_from_the_rest_alone(held):
    """Whatever was held out, in number and in score, no feature and no start changes."""
    other = Held(held.rest, held.pairs.with_columns(score=pl.lit(1.0, pl.Float32)))
    first, second = build(replace(BUILDER, depth=22), held), build(replace(BUILDER, depth=22), other)
    rows = {tuple(row) for row in np.nan_to_num(second.features).tolist()}
    assert {tuple(row) for row in np.nan_to_num(first.features).tolist()} <= rows


def test_nothing_held_out_teaches_nothing(held):
    batch = build(BUILDER, Held(held.rest, held.pairs.clear()))
    assert batch.features.shape[0] == len(batch.sizes) == 0


def test_lessons_follow_each_other(held):
    batch = build(BUILDER, held)
    assert join_batches([batch, batch]).sizes.tolist() == [*batch.sizes, *batch.sizes]
