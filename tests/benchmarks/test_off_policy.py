"""The study of off-policy estimates, on few users and runs: what covers the truth, and what cannot."""

import importlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nightschool.evaluation.off_policy.estimators import DEFAULT, ESTIMATORS

RUNS = 30


@pytest.fixture(scope="module")
def study():
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        yield importlib.import_module("off_policy")


@pytest.fixture(scope="module")
def found(study):
    """Coverage and bias of each estimator for a challenger that ranks all items otherwise."""
    return study.summary(study.Study("all ranked very differently", n_users=200), RUNS)


@pytest.mark.parametrize("of", ["value", "difference"])
def test_the_default_covers_the_truth_where_lists_are_reordered(found, of):
    row = found.row(by_predicate=(pl.col("estimator") == DEFAULT) & (pl.col("of") == of), named=True)
    # 95 % of 30 runs; 27 or more of them but for one study in seventeen.
    assert row["coverage"] >= 27 / RUNS
    assert abs(row["bias"]) < 3 * row["deviation"] / RUNS**0.5
    assert row["support"] > 0.95


def test_items_at_the_same_place_cannot_tell_about_reordered_lists(found):
    row = found.row(by_predicate=(pl.col("estimator") == "ips") & (pl.col("of") == "value"), named=True)
    assert row["support"] < 0.7
    assert row["bias"] < -0.3 * row["truth"]


@pytest.fixture(scope="module")
def swapped(study):
    """Twelve runs of a challenger that takes six places of ten from the pool, and whether each covers its value."""
    asked = study.Study("six places of ten from the pool", n_users=200)
    runs = pl.concat([study.simulate(asked, run) for run in range(12)]).filter(pl.col("of") == "value")
    true = study.value_of(study.CHALLENGERS[asked.challenger], cascade=False)
    return runs.with_columns(covered=(pl.col("low") <= true) & (true <= pl.col("high")))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_where_the_pool_holds_what_is_new_every_estimator_covers(swapped, name):
    assert swapped.filter(pl.col("estimator") == name)["covered"].sum() >= 9


def test_the_world_explores_as_its_propensities_say(study):
    rng = np.random.default_rng(0)
    shown = study.shown_lists(rng, study.users(rng, 300), 4, 0.2)
    explored = shown.filter(pl.col("propensity") < 0.5)
    assert explored.height / shown.height == pytest.approx(0.2, abs=0.01)
    assert explored["propensity"].unique().to_list() == [pytest.approx(0.2 / study.POOL)]
    assert shown.group_by("list_id").agg(pl.col("item_id").n_unique())["item_id"].unique().to_list() == [study.PLACES]
