import logging
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nightschool.errors import ConfigurationError
from nightschool.night.selection.reranking import with_reranker
from nightschool.night.selection.search import Search, Tunable
from nightschool.night.selection.select import choose_recipe

# Nine users in ten will meet item 1, the others item 2; item 0 is seen by all.
SCORES = {"ease": [0, 2, 9, 1], "popularity": [9, 1, 2, 3]}


def search(**changes):
    tunables = (Tunable("popularity"), Tunable("ease"))
    plain = Search(tunables, 0.0, alphas=(0.0, 1.0), cutoffs=(1, 10), seed=0, megabytes=1, max_users=1000)
    return replace(plain, **{"reranker": {}, "reranker_defaults": {"folds": 4}, **changes})


@pytest.fixture
def selected(split, fixed):
    return choose_recipe([split], search(), lambda model, _: fixed(SCORES[model]))


@pytest.fixture
def build(fixed):
    """Rerankers of each objective, and the recipes that were built."""

    def make(lambdarank, binary="0 0 1 2"):
        def built(recipe):
            built.recipes.append(recipe)
            found = {"lambdarank": lambdarank, "binary": binary}[recipe.reranker["objective"]]
            if isinstance(found, Exception):
                raise found
            return fixed(found)

        built.recipes = []
        return built

    return make


def test_without_being_asked_for_nothing_is_tried(selected, split, build):
    assert with_reranker(selected, [split], search(reranker=None), build("0 9 1 1")) is selected


def test_a_reranker_that_is_ahead_enters_the_recipe(selected, split, build):
    made = build("0 9 8 1")
    found = with_reranker(selected, [split], search(), made)
    assert found.recipe.name == "ease + reranker"
    assert found.recipe.reranker["objective"] == "lambdarank"
    assert found.reranked.note is None
    assert [recipe.reranker["objective"] for recipe in made.recipes] == ["lambdarank", "binary"]
    assert found.candidates == selected.candidates


def test_each_objective_that_was_tried_is_a_trial(selected, split, build):
    found = with_reranker(selected, [split], search(), build("0 9 8 1"))
    tried = [trial for trial in found.trials if trial.component.model == "reranker"]
    assert [trial.component.params["objective"] for trial in tried] == ["lambdarank", "binary"]
    first, second = (trial.value for trial in tried)
    assert first == found.reranked.evaluation.mean("ndcg", 10) > second


def test_the_better_objective_stands_for_it(selected, split, build):
    found = with_reranker(selected, [split], search(), build("0 0 1 2", binary="0 9 8 1"))
    assert found.recipe.reranker["objective"] == "binary"


def test_one_that_is_not_ahead_is_measured_and_not_taken(selected, split, build):
    found = with_reranker(selected, [split], search(), build("0 2 9 1"))
    assert found.recipe == selected.recipe
    assert "not ahead of ease by more than a standard error: ndcg@10 +0.0000 ± 0.0000" in found.reranked.note


@pytest.mark.parametrize(("cuts", "taken"), [(1, False), (2, True)])
def test_further_cuts_are_asked_where_the_search_allows_it(cuts, taken, selected, split, fixed):
    ease, better = "0 2 9 1", "0 9 8 1"
    answers = iter([ease, better, ease])  # on the first cut, and on the second of both recipes
    asked = search(reranker={"objective": "binary"}, reranked_cuts=cuts)
    found = with_reranker(replace(selected, cuts=2), [split, split], asked, lambda _: fixed(next(answers)))
    assert (found.recipe.reranker is not None) == taken
    assert [trial.cut for trial in found.trials if trial.component.model == "reranker"] == [0, 1][:cuts]


def test_no_more_cuts_are_asked_than_the_recipe_was_chosen_on(selected, split, build):
    made = build("0 9 8 1")
    with_reranker(selected, [split, split], search(reranked_cuts=2), made)
    assert len(made.recipes) == 2


@pytest.mark.parametrize(
    ("error", "told"),
    [(ConfigurationError("needs times", seen=1), "needs times"), (ZeroDivisionError("own"), "ZeroDivisionError: own")],
)
def test_one_that_cannot_be_trained_is_left_out_and_said(error, told, selected, split, build, caplog):
    with caplog.at_level(logging.WARNING, logger="nightschool.night"):
        found = with_reranker(selected, [split], search(), build(error))
    assert told in found.failures["reranker"]
    assert found.recipe == selected.recipe
    assert "reranker is left out tonight" in caplog.text


@pytest.mark.parametrize(
    ("protocol", "cut"),
    [
        ("stratified-item", "item"),
        ("random-user", "user"),
        ("given", "user"),
        ("temporal", "time"),
        ("temporal-user", "last"),
        ("leave-last", "next"),
        ("leave-one-out", "next"),
    ],
)
def test_it_learns_from_cuts_like_the_tests(protocol, cut, selected, split, build):
    times = pl.Series(np.arange(400)).cast(pl.Datetime("us", "UTC"))
    timed = replace(split.fitted, interactions=split.fitted.interactions.with_columns(timestamp=times))
    made = build("0 9 8 1")
    with_reranker(selected, [replace(split, protocol=protocol, fitted=timed)], search(), made)
    assert {recipe.reranker["cut"] for recipe in made.recipes} == {cut}


def test_hyper_parameters_that_are_fixed_come_first(selected, split, build):
    made = build("0 9 8 1")
    with_reranker(selected, [split], search(reranker={"objective": "lambdarank", "cut": "item", "trees": 7}), made)
    assert [dict(recipe.reranker) for recipe in made.recipes] == [
        {
            "objective": "lambdarank",
            "leaves": 3,
            "l2": 30.0,
            "cut": "item",
            "relevant_from": 0.0,
            "trees": 7,
            "folds": 4,
        }
    ]


def test_hits_are_what_the_split_calls_relevant(split, fixed, build):
    scores = pl.Series(np.where(np.arange(400) % 2, 5.0, 2.0).astype(np.float32))
    graded = split.held_out.with_columns(score=scores, relevant=scores > 3)
    strict, made = replace(split, held_out=graded), build("0 9 8 1")
    with_reranker(choose_recipe([strict], search(), lambda model, _: fixed(SCORES[model])), [strict], search(), made)
    assert {recipe.reranker["relevant_from"] for recipe in made.recipes} == {5.0}
