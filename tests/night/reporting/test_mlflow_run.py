from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import ITEMS
from nightschool.curves import CURVES, CurveFile
from nightschool.night.entries import AlphaEntry, CandidateEntry, ContextEntry, TrialEntry
from nightschool.night.night import Night
from nightschool.night.prove import POPULARITY_RECIPE
from nightschool.night.records import ContextualiseRecord, PrepareRecord, ProveRecord, SelectRecord
from nightschool.night.reporting.mlflow_run import night_log
from nightschool.recipe import Component, Recipe
from nightschool.storage.as_of import scan_at
from nightschool.storage.fingerprints import content_hash
from nightschool.storage.night_log import NightLog
from tests.night.nights import MONDAY, make_home, start
from tests.night.records import EASE, example

OLD_EASE = Recipe(components=(Component(model="ease", params={"l2": 9.0}),))
HYBRID = "hybrid(ease, content, α=0.5)"


def candidate(name: str, params: dict[str, float], fit_seconds: float) -> CandidateEntry:
    return CandidateEntry(name=name, params=params, fit_seconds=fit_seconds, note=None, n_users=2, metrics={})


SELECTED: SelectRecord = example(
    SelectRecord,
    candidates=(candidate("popularity", {}, 0.1), candidate("ease", {"l2": 5.0}, 2.5)),
    trials=(
        TrialEntry(model="ease", params={"l2": 7.0}, value=0.19, seconds=1.5),
        TrialEntry(model="ease", params={"l2": 1e-9}, value=None, seconds=0.0),
    ),
    sweep=(
        AlphaEntry(alpha=0.0, name="content", metrics={"ndcg@10": [0.15, 0.1, 0.2]}, behind=(0.1, 0.05, 0.15)),
        AlphaEntry(alpha=0.5, name=HYBRID, metrics={"ndcg@10": [0.25, 0.2, 0.3]}),
    ),
)


def context(name: str, weight: float, note: str, *difference: float) -> ContextEntry:
    known = {"values": ("a", "b"), "strength": None, "difference": difference or None}
    return ContextEntry(name=name, weight=weight, note=note, **known)


CONTEXTUAL = ContextualiseRecord(
    timezone="UTC",
    contexts=(
        context("hour", 0.0, "few"),
        context("weekday", 0.0, "not shown", 0.001, -0.001, 0.003),
        context("device", 1.5, "", 0.012, 0.005, 0.019),
    ),
    figures={},
)


def measured(**values: float) -> pl.DataFrame:
    """The ndcg@10 of each model for all and, one lower, for a segment."""
    rows = [
        {"model": model, "segment": segment, "metric": "ndcg", "k": 10, "value": value - less, "n_users": 7}
        for model, value in values.items()
        for segment, less in (("all", 0.0), ("activity:new", 1.0))
    ]
    ends = {"ci_low": pl.col("value") - 0.01, "ci_high": pl.col("value") + 0.01}
    return pl.DataFrame(rows).with_columns(pl.lit("test").alias("split"), **ends)


@pytest.fixture
def night(tmp_path: Path) -> Night:
    night = start(make_home(tmp_path / "home"))
    stages = {
        "select": measured(popularity=0.1, ease=0.2, content=0.15, **{HYBRID: 0.25}),
        "prove": measured(challenger=0.31, champion=0.32, popularity=0.33),
    }
    for stage, metrics in stages.items():
        (night.folder / stage).mkdir(parents=True)
        metrics.write_parquet(night.folder / stage / "metrics.parquet")
    return night


def log_of(night: Night, recipe: Recipe = EASE) -> NightLog:
    return night_log(night, example(PrepareRecord), SELECTED, example(ProveRecord, recipe=recipe), CONTEXTUAL)


def test_night_is_told_by_its_identity_and_verdict(night: Night) -> None:
    log = log_of(night)
    assert (log.run_key, log.release_id, log.as_of) == (night.identity.run_key, night.identity.release_id, MONDAY)
    assert log.tags == {
        "decision": "first",
        "dataset": "learning",
        "contexts_on": "device (+0.0120 ndcg@10 of choices, +0.0050 to +0.0190)",
        "contexts_off": "hour (few), weekday (not shown; +0.0010 ndcg@10 of choices, -0.0010 to +0.0030)",
    }
    assert log.tables["model_gates"].rows(named=True) == [
        {"name": "learnable", "passed": True, "seen": "+0.1", "demanded": "> 0"}
    ]


def test_candidates_and_alphas_have_their_validation_figures_for_all(night: Night) -> None:
    log = log_of(night)
    values = {c.name: c.mean("ndcg", 10).value for c in log.candidates}
    assert values == {"popularity": pytest.approx(0.1), "ease": pytest.approx(0.2)}
    assert log.candidates[1].params == {"l2": 5.0}
    assert log.candidates[1].figures == {"fit_seconds": 2.5}
    assert log.pictures["alpha.png"].startswith(b"\x89PNG")
    assert log.pictures["alpha.html"].startswith(b"<!DOCTYPE html>")
    assert {alpha: point.mean("ndcg", 10).value for alpha, point in log.sweep.items()} == {0.0: 0.15, 0.5: 0.25}
    assert log.sweep[0.5].name == "α=0.5"
    assert log.sweep[0.5].params == {"alpha": "0.5"}
    assert all(point.metrics.height == 1 for point in log.sweep.values())


def test_trainings_have_the_curves_of_their_stages(night: Night) -> None:
    for stage, values in (("select", (0.5, 0.4)), ("refit", (0.3,))):
        (night.folder / stage).mkdir(exist_ok=True)
        note = CurveFile(night.folder / stage / CURVES)
        for step, value in enumerate(values, start=1):
            note("sasrec/loss", step, value)
    assert log_of(night).curves == {"select/sasrec/loss": [(1, 0.5), (2, 0.4)], "refit/sasrec/loss": [(1, 0.3)]}


def test_all_that_was_measured_is_a_table(night: Night) -> None:
    table = log_of(night).tables["metrics"]
    rows = table.filter(pl.col("model").is_in(["ease", "challenger"])).select("model", "segment", "value", "n_users")
    assert rows.rows() == [
        ("ease", "all", 0.2, 7),
        ("challenger", "all", 0.31, 7),
        ("challenger", "activity:new", pytest.approx(-0.69), 7),
    ]


def test_the_night_and_its_model_are_described(night: Night) -> None:
    log = log_of(night)
    assert log.description.startswith("**first**: ")
    assert "α = 0.5 is best on validation" in log.description
    assert f"/operator?releases=all#release-{night.identity.release_id}" in log.description
    assert "# ease" in log.card
    assert "| activity:new | 7 | -0.6900 | -0.7000 – -0.6800 |" in log.card
    assert '| ease | 1 | {"l2": 5.0} |' in log.card


def test_every_fit_is_a_row_with_what_decided_and_none_where_it_failed(night: Night) -> None:
    first, second = log_of(night).tables["trials"].rows(named=True)
    assert first == {"model": "ease", "settings": '{"l2": 7.0}', "cut": 1, "ndcg_at_10": 0.19, "seconds": 1.5}
    assert (second["model"], second["ndcg_at_10"]) == ("ease", None)


@pytest.mark.parametrize(
    ("recipe", "value"),
    [(EASE, 0.31), (OLD_EASE, 0.32), (POPULARITY_RECIPE, 0.33)],
    ids=["the challenger", "the champion", "popularity"],
)
def test_outcome_is_what_the_approved_recipe_measured_on_the_test(night: Night, recipe: Recipe, value: float) -> None:
    outcome = log_of(night, recipe).outcome
    assert outcome.mean("ndcg", 10).value == pytest.approx(value)
    assert outcome.name == recipe.components[0].model
    assert outcome.params["recipe"] == outcome.name
    assert outcome.params["k"] == night.config.k


def test_data_are_told_by_fingerprint_and_rows(night: Night) -> None:
    rows = {table.name: table.rows for table in log_of(night).data}
    assert (rows["items"], rows["interactions"]) == (2, 1)
    items = next(table for table in log_of(night).data if table.name == ITEMS.name)
    assert items.fingerprint == content_hash(scan_at(night.home.lake, ITEMS, MONDAY), ITEMS)
