import json
import math

import numpy as np
import polars as pl
import pytest

from nightschool.contract import Dataset, Split
from nightschool.evaluation.compare import compare
from nightschool.evaluation.evaluate import evaluate
from nightschool.evaluation.evaluation import Errors, Evaluation
from nightschool.night.reporting.metrics import (
    describe_candidate,
    describe_roles,
    describe_selection,
    figures,
)
from nightschool.night.selection.search import Search, Tunable
from nightschool.night.selection.select import choose_recipe
from nightschool.night.selection.selection import Candidate
from nightschool.offline.compare import Measured, describe_measured
from nightschool.recipe import Component, Recipe

CUTOFFS = (1, 10)


@pytest.fixture
def evaluation(split: Split, fixed) -> Evaluation:
    """Item 1 first, which nine users in ten meet; then item 2, which the others meet."""
    return evaluate(fixed([0, 9, 8, 1]), split, cutoffs=CUTOFFS, megabytes=1)


@pytest.fixture
def nobody(dataset: Dataset, fixed) -> Evaluation:
    """What is found where no user has anything to be found."""
    nothing = pl.DataFrame(
        schema={"user_index": pl.Int32, "item_index": pl.Int32, "score": pl.Float32, "relevant": pl.Boolean}
    )
    return evaluate(fixed([1, 2, 3, 4]), Split("test", "temporal", dataset, nothing), cutoffs=CUTOFFS, megabytes=1)


def test_figures_are_means_with_their_intervals(evaluation: Evaluation) -> None:
    found = figures(evaluation, CUTOFFS)
    value, low, high = found["precision@1"]
    assert value == pytest.approx(0.9)
    # Normal interval of 400 users of whom 360 have a hit.
    half = 1.96 * np.sqrt(0.9 * 0.1 * 400 / 399) / np.sqrt(400)
    assert (low, high) == (pytest.approx(0.9 - half, abs=1e-4), pytest.approx(0.9 + half, abs=1e-4))
    assert found["hit_rate@10"] == [1.0, 1.0, 1.0]
    assert found["ndcg@10"][0] == pytest.approx(0.9 + 0.1 / np.log2(3))


def test_totals_have_no_interval(evaluation: Evaluation) -> None:
    assert figures(evaluation, CUTOFFS)["coverage@10"] == [0.75, None, None]


def test_errors_are_there_only_where_ratings_were_predicted(evaluation: Evaluation) -> None:
    assert "rmse" not in figures(evaluation, CUTOFFS)
    users, ones = np.arange(2, dtype=np.int32), np.ones(2)
    errors = Errors(users, pairs=ones, squared=4 * ones, absolute=2 * ones)
    predicted = Evaluation(evaluation.users, evaluation.per_user, evaluation.totals, errors)
    assert figures(predicted, CUTOFFS)["rmse"] == [2.0, 2.0, 2.0]
    assert figures(predicted, CUTOFFS)["mae"][0] == 2.0


def test_what_is_not_a_number_becomes_null(nobody: Evaluation) -> None:
    found = figures(nobody, CUTOFFS)
    assert found["ndcg@10"] == [None, None, None]
    assert math.isnan(nobody.mean("ndcg", 10))
    json.dumps(found, allow_nan=False)


def test_selection_becomes_a_record(split: Split, fixed) -> None:
    scores = {"ease": [0, 9, 1, 1], "content": [0, 1, 9, 2]}

    def create(model, params):
        if model == "svd":
            raise ZeroDivisionError("no")
        return fixed(scores[model])

    tried = (Tunable("ease", {"l2": 5.0}), Tunable("content"), Tunable("svd"))
    search = Search(tried, 0.0, alphas=(0.0, 0.5, 1.0), cutoffs=CUTOFFS, seed=0, megabytes=1, max_users=1000)
    selection = choose_recipe([split], search, create)
    record = describe_selection(selection, CUTOFFS, tuned=True)
    json.dumps(record.model_dump(mode="json"), allow_nan=False)
    assert [entry.name for entry in record.candidates] == ["ease", "content"]
    first = record.candidates[0]
    assert (first.params, first.n_users) == ({"l2": 5.0}, 400)
    assert first.metrics["precision@1"][0] == pytest.approx(0.9)
    assert [(point.alpha, point.name) for point in record.sweep] == [
        (0.0, "content"),
        (0.5, "hybrid(ease, content, α=0.5)"),
        (1.0, "ease"),
    ]
    assert record.failures == {"svd": "ZeroDivisionError: no"}
    assert (record.recipe, record.tuned) == (selection.recipe, True)


def test_settings_of_a_reranker_stay_apart_from_those_of_its_model(evaluation: Evaluation) -> None:
    recipe = Recipe(components=(Component(model="ease", params={"l2": 5.0}),), reranker={"l2": 30.0})
    told = describe_candidate(Candidate(recipe, evaluation, 1.0), CUTOFFS)
    assert told.params == {"l2": 5.0, "reranker": {"l2": 30.0}}


def test_roles_become_entries(evaluation: Evaluation) -> None:
    (entry,) = describe_roles({"challenger": evaluation}, CUTOFFS)
    assert (entry.name, entry.n_users) == ("challenger", 400)
    assert entry.metrics == figures(evaluation, CUTOFFS)


def test_row_of_a_comparison_tells_the_difference(split: Split, evaluation: Evaluation, fixed) -> None:
    floor = evaluate(fixed([0, 8, 9, 1]), split, cutoffs=CUTOFFS, megabytes=1)
    row = Measured("ease", {"l2": 5.0}, 1.23456, evaluation, compare(evaluation, floor), note="sparse form")
    told = describe_measured(row, CUTOFFS)
    assert told["note"] == "sparse form"
    assert (told["name"], told["params"], told["fit_seconds"]) == ("ease", {"l2": 5.0}, 1.235)
    assert told["verdict"] == "better"
    difference, low, high = told["over_popularity"]
    assert difference == pytest.approx(0.8 * (1 - 1 / np.log2(3)))
    assert low < difference < high


def test_comparison_of_nobody_is_null(nobody: Evaluation) -> None:
    told = describe_measured(Measured("ease", {}, 0.0, nobody, compare(nobody, nobody)), CUTOFFS)
    assert told["over_popularity"] == [None, None, None]
    assert told["verdict"] == "no difference shown"
    json.dumps(told, allow_nan=False)
