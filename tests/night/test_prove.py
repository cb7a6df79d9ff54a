import pytest

from nightschool.contract import Component, Recipe
from nightschool.night.prove import POPULARITY_RECIPE, ComparisonOnTest, prove

GOOD = Recipe(components=(Component(model="good"),))
BETTER = Recipe(components=(Component(model="better"),))
BAD = Recipe(components=(Component(model="bad"),))


@pytest.fixture
def build(fixed):
    # Nine users in ten will meet item 1, the others item 2; item 0 is seen by all.
    scores = {"better": [0, 9, 8, 1], "good": [0, 8, 1, 9], "bad": [0, 1, 2, 9], "popularity": [9, 2, 1, 3]}
    return lambda recipe: fixed(scores[recipe.components[0].model])


def asked(challenger, champion=None, underpowered=False):
    return ComparisonOnTest(challenger, champion, underpowered, cutoffs=(1, 10), seed=0, megabytes=1)


def passed(verdict):
    return {gate.name: gate.passed for gate in verdict.gates}


def test_the_first_recipe_must_beat_popularity(split, build):
    verdict = prove(split, asked(BETTER), build)
    assert (verdict.recipe, verdict.decision, verdict.learnable) == (BETTER, "first", True)


def test_without_a_preference_to_learn_popularity_is_published(split, build):
    verdict = prove(split, asked(BAD), build)
    assert (verdict.recipe, verdict.decision, verdict.learnable) == (POPULARITY_RECIPE, "popularity", False)
    assert "no preference to learn" in verdict.sentence


def test_a_better_challenger_takes_the_champions_place(split, build):
    verdict = prove(split, asked(BETTER, champion=GOOD), build)
    assert (verdict.recipe, verdict.decision) == (BETTER, "promoted")
    assert passed(verdict) == {"learnable": True, "superior": True, "floor": True}


@pytest.mark.parametrize("challenger", [GOOD, BAD])
def test_a_champion_stays_unless_shown_worse(split, build, challenger):
    verdict = prove(split, asked(challenger, champion=BETTER), build)
    assert (verdict.recipe, verdict.decision) == (BETTER, "kept")
    assert passed(verdict)["superior"] is False


def test_on_other_nights_the_champion_meets_popularity_only(split, build):
    verdict = prove(split, asked(BETTER, champion=BETTER), build)
    assert passed(verdict) == {"learnable": True, "floor": True}


def test_a_champion_shown_worse_than_popularity_gives_way(split, build):
    verdict = prove(split, asked(BAD, champion=BAD), build)
    assert (verdict.recipe, verdict.decision) == (POPULARITY_RECIPE, "popularity")


def test_too_few_users_publish_validations_choice_as_unproved(split, build):
    verdict = prove(split, asked(BAD, champion=BETTER, underpowered=True), build)
    assert (verdict.recipe, verdict.decision, verdict.learnable) == (BAD, "unproved", None)
    assert "too few users to tell" in verdict.sentence
