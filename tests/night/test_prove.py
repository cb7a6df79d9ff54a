from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from nightschool.night.logged_lists import LoggedLists
from nightschool.night.prove import POPULARITY_RECIPE, ComparisonOnTest, Fairness, compare_on_test, measuring
from nightschool.recipe import Component, Recipe

FAIR = Recipe(components=(Component(model="fair"),))
GOOD = Recipe(components=(Component(model="good"),))
BETTER = Recipe(components=(Component(model="better"),))
BAD = Recipe(components=(Component(model="bad"),))
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def build(fixed):
    # Nine users in ten will meet item 1, the others item 2; item 0 is seen by all.
    scores = {
        "better": [0, 9, 8, 1],
        "fair": [0, 7, 8, 1],
        "good": [0, 8, 1, 9],
        "bad": [0, 1, 2, 9],
        "popularity": [9, 2, 1, 3],
    }
    return lambda recipe: fixed(scores[recipe.components[0].model])


def asked(challenger, champion=None, underpowered=False):
    return ComparisonOnTest(challenger, champion, underpowered, cutoffs=(1, 10), seed=0, megabytes=1)


def compared(build, split, asked):
    return compare_on_test(asked, measuring(split, asked, build))


def logged(split, clicked_item):
    """Lists of one place, explored twice in ten; users click one item alone."""
    rng = np.random.default_rng(0)
    n = 4 * split.fitted.n_users
    explored = rng.random(n) < 0.2
    items = np.where(explored, rng.integers(2, 4, n), 1)
    at = pl.lit(BEGIN + timedelta(days=1))
    shown = pl.DataFrame(
        {
            "list_id": np.arange(n),
            "user_id": np.arange(n) // 4,
            "item_id": items,
            "place": np.ones(n, np.int32),
            "propensity": np.where(explored, 0.1, 0.8),
        }
    ).with_columns(
        scenario=pl.lit(""),
        tuned=pl.lit(value=False),
        times=pl.lit(1),
        shown_at=at,
        viewed_at=pl.when(pl.col("item_id") == clicked_item).then(at),
        liked_at=pl.lit(None, pl.Datetime("us", "UTC")),
        completed_at=pl.lit(None, pl.Datetime("us", "UTC")),
    )
    return LoggedLists.find(shown.lazy(), split.fitted.interactions, split, BEGIN, megabytes=1)


def passed(proof):
    return {gate.name: gate.passed for gate in proof.gates}


def test_the_first_recipe_must_beat_popularity(split, build):
    proof = compared(build, split, asked(BETTER))
    assert (proof.recipe, proof.decision, proof.learnable) == (BETTER, "first", True)


def test_without_a_preference_to_learn_popularity_is_published(split, build):
    proof = compared(build, split, asked(BAD))
    assert (proof.recipe, proof.decision, proof.learnable) == (POPULARITY_RECIPE, "popularity", False)
    assert "no preference to learn" in proof.sentence


def test_a_better_challenger_takes_the_champions_place(split, build):
    proof = compared(build, split, asked(BETTER, champion=GOOD))
    assert (proof.recipe, proof.decision) == (BETTER, "promoted")
    assert passed(proof) == {"learnable": True, "superior": True, "floor": True}


@pytest.mark.parametrize(("clicked_item", "decision"), [(1, "promoted"), (3, "kept")])
def test_logged_lists_that_show_the_challenger_fewer_clicks_keep_the_champion(split, build, clicked_item, decision):
    # The challenger would show item 1 first, the champion item 3.
    proof = compared(build, split, replace(asked(BETTER, champion=GOOD), logged=logged(split, clicked_item)))
    assert proof.decision == decision
    assert passed(proof)["superior"]
    assert passed(proof)["off_policy"] == (decision == "promoted")
    clicks = proof.chosen.filter(pl.col("metric") == "clicks_per_list").select("model", "value").rows_by_key("model")
    assert set(clicks) == {"challenger", "champion", "popularity"}
    assert proof.chosen.filter(pl.col("metric") == "examination")["segment"].to_list() == ["place:01"]


def test_a_challenger_must_be_shown_better_at_the_error_that_is_left(split, build):
    usual, strict = asked(FAIR, champion=GOOD), replace(asked(FAIR, champion=GOOD), promotion_error=1e-30)
    proofs = [compared(build, split, each) for each in (usual, strict)]
    assert [proof.decision for proof in proofs] == ["promoted", "kept"]
    assert proofs[1].gates[1].demanded.endswith(", at 0.000% on one side")


@pytest.mark.parametrize(("anchor", "decision"), [(BETTER, "kept"), (BAD, "promoted"), (GOOD, "promoted")])
def test_a_challenger_shown_worse_than_the_anchor_is_not_promoted(split, build, anchor, decision):
    proof = compared(build, split, replace(asked(FAIR, champion=GOOD), anchor=anchor))
    assert proof.decision == decision
    other = anchor != GOOD  # the champion needs no second comparison
    assert passed(proof).get("anchor") == ((decision == "promoted") if other else None)
    assert ("anchor" in proof.evaluations) == other
    if decision == "kept":
        assert proof.sentence == "fair is shown better, but worse than better of 28 days ago: the champion good stays"


@pytest.mark.parametrize("challenger", [GOOD, BAD])
def test_a_champion_stays_unless_shown_worse(split, build, challenger):
    proof = compared(build, split, asked(challenger, champion=BETTER))
    assert (proof.recipe, proof.decision) == (BETTER, "kept")
    assert passed(proof)["superior"] is False


def test_on_other_nights_the_champion_meets_popularity_only(split, build):
    proof = compared(build, split, asked(BETTER, champion=BETTER))
    assert passed(proof) == {"learnable": True, "floor": True}


def test_a_champion_shown_worse_than_popularity_gives_way(split, build):
    proof = compared(build, split, asked(BAD, champion=BAD))
    assert (proof.recipe, proof.decision) == (POPULARITY_RECIPE, "popularity")


def test_too_few_users_publish_validations_choice_as_unproved(split, build):
    proof = compared(build, split, asked(BAD, champion=BETTER, underpowered=True))
    assert (proof.recipe, proof.decision, proof.learnable) == (BAD, "unproved", None)
    assert "too few users to tell" in proof.sentence


@pytest.mark.parametrize(("rule", "decision"), [("off", "promoted"), ("note", "promoted"), ("refuse", "kept")])
def test_a_segment_that_is_shown_worse_off_may_keep_the_champion(split, build, rule, decision):
    tenth = np.arange(split.fitted.n_users) % 10 == 0
    fairness = Fairness({"team:tenth": tenth, "team:rest": ~tenth}, rule)
    third = pl.when(pl.col("user_index") % 10 == 0).then(pl.lit(3, pl.Int32)).otherwise("item_index")
    mixed = replace(split, held_out=split.held_out.with_columns(item_index=third))
    proof = compared(build, mixed, replace(asked(BETTER, champion=GOOD), fairness=fairness))
    assert proof.decision == decision
    asked_of = [gate for gate in proof.gates if gate.name == "segments"]
    assert [gate.passed for gate in asked_of] == ([] if rule == "off" else [False])
    if rule != "off":
        assert asked_of[0].seen.startswith("team:tenth -")
