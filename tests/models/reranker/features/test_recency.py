from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.reranker.features.base import Candidates
from models.reranker.features.recency import Seasons


@pytest.fixture
def dataset(dataset_of):
    """Twenty users like item 0 on the first day and twenty others item 1 a hundred days later; two like item 2 then.

    User 40 liked item 2 on the first day, user 41 on the last; user 42 nothing.
    """
    pairs = [(user, user // 20, 1.0) for user in range(40)] + [(40, 2, 1.0), (41, 2, 1.0)]
    dataset = dataset_of(pairs, 43, 3)
    late = pl.Series([100 if 20 <= user < 40 or user == 41 else 0 for user, _, _ in pairs])
    first = dataset.interactions["timestamp"][0]
    timed = dataset.interactions.with_columns(timestamp=pl.lit(first) + late * pl.duration(days=1))
    return replace(dataset, interactions=timed.cast(dict(dataset.interactions.schema)))


def found(seasons, *, user, item):
    candidates = Candidates(np.array([user]), np.array([0, 1]), np.array([item]))
    return dict(zip(seasons.names, seasons.columns(candidates)[:, 0].tolist(), strict=True))


def test_ages_count_back_from_the_newest_like(dataset):
    seasons = Seasons.of(dataset)
    early = found(seasons, user=40, item=0)
    assert (early["age of the item"], early["days since the item's last like"]) == (100, 100)
    assert early["days since the user's last like"] == 100
    assert early["days of the history"] == 0
    assert found(seasons, user=40, item=1)["age when the user was last active"] == -100


def test_what_others_liked_in_the_same_days_is_lifted(dataset):
    seasons = Seasons.of(dataset)
    lifts = {
        (user, item): found(seasons, user=user, item=item)["lift in the user's days"]
        for user in (40, 41)
        for item in (0, 1)
    }
    # Of 21 likes of the first day 20 are item 0's, where its share of all gives ten.
    assert lifts[40, 0] == pytest.approx(np.log((20 + 5) / (21 * 20 / 42 + 5)), abs=1e-4)
    assert lifts[40, 0] == pytest.approx(lifts[41, 1])
    assert lifts[40, 1] == pytest.approx(np.log(5 / (21 * 20 / 42 + 5)), abs=1e-4)


def test_the_trend_is_the_lift_of_the_newest_days(dataset):
    seasons = Seasons.of(dataset)
    assert (
        found(seasons, user=40, item=1)["trend of the item"] > 0 > found(seasons, user=40, item=0)["trend of the item"]
    )


def test_a_user_without_likes_was_never_active(dataset):
    assert np.isnan(found(Seasons.of(dataset), user=42, item=0)["lift in the user's days"])


@pytest.mark.parametrize("drop", [True, False], ids=["no column", "nulls"])
def test_without_times_nothing_is_known(drop, dataset):
    times = dataset.interactions["timestamp"].dtype
    pairs = dataset.interactions.drop("timestamp")
    pairs = pairs if drop else pairs.with_columns(timestamp=pl.lit(None, times))
    told = found(Seasons.of(replace(dataset, interactions=pairs)), user=0, item=1)
    assert np.isnan(list(told.values())).all()
