from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from nightschool.columns import METRICS, RECOMMENDATIONS
from nightschool.contract import Dataset
from nightschool.evaluation.figure_rows import Figure, figure_rows
from nightschool.night.basis import describe_basis
from nightschool.night.monitoring.monitor import judge_tonight, measure_tonight
from nightschool.night.records import ProveRecord
from nightschool.recipe import Recipe
from nightschool.storage.home import Home
from tests.night.nights import MANIFEST, MONDAY, POPULARITY, finish, make_home, meet, start
from tests.night.records import example

RECIPE = Recipe.model_validate(POPULARITY)
LISTS = pl.DataFrame({"user_id": [2], "item_id": [7], "rank": pl.Series([1], dtype=pl.Int32)})


@pytest.fixture
def dataset() -> Dataset:
    return Dataset.from_frames(pl.DataFrame({"user_id": [1], "item_id": [7]}), items=pl.DataFrame({"item_id": [7, 8]}))


@pytest.fixture
def night_home(tmp_path) -> Home:
    return make_home(tmp_path)


def publish(home: Home, coverage: float) -> None:
    """A release with one list and this coverage."""
    release = finish(
        start(home), recipe=RECIPE.model_dump(mode="json"), gates={"decision": "kept", **describe_basis(MANIFEST)}
    )
    home.lake.replace_release(
        RECOMMENDATIONS,
        release.release_id,
        LISTS.select(
            pl.lit(release.release_id).alias("release_id"),
            pl.all(),
            pl.lit(1.0, pl.Float32).alias("score"),
            *(pl.lit("").alias(name) for name in ("source", "reason")),
            pl.lit(None, pl.Int64).alias("because_item_id"),
        ),
    )
    rows = figure_rows([Figure("coverage", coverage, 10)])
    home.lake.replace_release(
        METRICS, release.release_id, rows.select(pl.lit(release.release_id).alias("release_id"), pl.all())
    )


def test_the_first_night_measures_its_lists_alone(night_home, dataset):
    rows = measure_tonight(start(night_home), LISTS, dataset, {})
    assert set(rows["metric"]) == {"coverage", "gini", "novelty", "average_popularity"}


def test_later_nights_measure_what_came_since_the_release_before(night_home, dataset):
    publish(night_home, 0.5)
    meet(night_home, MONDAY + timedelta(days=1), row=2)
    rows = measure_tonight(start(night_home), LISTS, dataset, {})
    found = dict(rows.filter(pl.col("segment") == "all").select("metric", "value").iter_rows())
    assert found["new_events"] == 1
    assert found["kept_items"] == 1.0
    assert "psi" in set(rows["metric"])


def test_tonight_is_judged_by_the_figures_of_the_releases_before(night_home):
    for day, error in enumerate(np.random.default_rng(0).normal(size=10)):
        meet(night_home, MONDAY + timedelta(days=day + 1), row=day + 2)
        publish(night_home, 0.5 + 0.01 * error)
    meet(night_home, MONDAY + timedelta(days=20), row=40)
    night = start(night_home)
    proved = example(ProveRecord, recipe=RECIPE, decision="kept")
    (shift,) = judge_tonight(night, proved, [figure_rows([Figure("coverage", 0.1, 10)])])
    assert (shift.metric, shift.seen) == ("coverage", 0.1)
    assert judge_tonight(night, proved, [figure_rows([Figure("coverage", 0.5, 10)])]) == ()
