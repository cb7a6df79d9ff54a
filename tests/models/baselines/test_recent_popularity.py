from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from models.baselines.recent_popularity import RecentPopularity, RecentPopularityConfig
from nightschool.errors import ConfigurationError
from nightschool.testing.recommender import RecommenderContract


class TestRecentPopularity(RecommenderContract):
    model = RecentPopularity


@pytest.fixture
def likes(dataset_of):
    """Item 0 is liked on days 1 and 11, item 1 on day 21, item 2 at no known time; item 3 is disliked on day 31."""
    dataset = dataset_of([(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0), (1, 3, 0.0)], 2, 5)
    days = [datetime(2024, 1, day, tzinfo=UTC) if day else None for day in (1, 21, 11, None, 31)]
    return replace(dataset, interactions=dataset.interactions.with_columns(timestamp=pl.Series(days)))


def test_a_like_counts_half_after_each_half_life(likes):
    model = RecentPopularity(RecentPopularityConfig(half_life_days=10)).fit(likes, seed=0)
    np.testing.assert_allclose(model.counts, [0.25 + 0.5, 1, 0, 0, 0], rtol=1e-6)
    assert np.array_equal(model.score(np.array([1, 0], dtype=np.int32)), [model.counts, model.counts])


def test_a_long_half_life_counts_users(likes):
    model = RecentPopularity(RecentPopularityConfig(half_life_days=36_500)).fit(likes, seed=0)
    np.testing.assert_allclose(model.counts, [2, 1, 0, 0, 0], atol=1e-3)


def test_data_without_times_are_told(likes):
    untimed = likes.interactions.with_columns(timestamp=pl.lit(None, likes.interactions.schema["timestamp"]))
    with pytest.raises(ConfigurationError, match=r"needs times.*leave recent_popularity out"):
        RecentPopularity().fit(replace(likes, interactions=untimed), seed=0)


def test_likes_without_times_are_refused_though_dislikes_have_some(likes):
    untimed = pl.when(pl.col("score") > 0).then(None).otherwise(pl.col("timestamp")).alias("timestamp")
    with pytest.raises(ConfigurationError, match="needs the times of likes"):
        RecentPopularity().fit(replace(likes, interactions=likes.interactions.with_columns(untimed)), seed=0)
