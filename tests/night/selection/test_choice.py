from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nightschool.night.selection.blending import learn_blend
from nightschool.night.selection.search import Search, Tunable
from nightschool.night.selection.select import choose_recipe

ALPHAS = tuple(step / 10 for step in range(11))


def search(*models, **changes):
    plain = Search(tuple(map(Tunable, models)), 0.0, (), cutoffs=(1, 10), seed=0, megabytes=1, max_users=1000)
    return replace(plain, **changes)


def with_hits(split, hits):
    return replace(split, held_out=split.held_out.with_columns(item_index=pl.Series(hits.astype(np.int32))))


@pytest.fixture
def view(fixed):
    """A model that sees what each user will meet the clearer, the larger its number, and apart from the others."""

    class View(fixed):
        def __init__(self, model):
            self.clear, self.seed = float(model), int(100 * float(model))

        def score(self, users):
            noise = np.random.default_rng(self.seed).normal(size=(400, 4))[users]
            noise[np.arange(len(users)), np.where(users % 10 == 0, 2, 1)] += self.clear
            return noise.astype(np.float32)

    return lambda model, _params: View(model)


def test_the_blend_is_taken_where_each_view_adds_something(split, view):
    found = choose_recipe([split], search("1.0", "1.1", "0.9"), view)
    assert len(found.recipe.components) > 1
    assert found.recipe == found.blend.recipe
    singles = max(one.evaluation.mean("ndcg", 10) for one in found.candidates)
    assert singles < found.value <= found.blend.evaluation.mean("ndcg", 10)


def test_a_single_model_that_is_ahead_by_more_than_a_standard_error_is_taken(split, view, monkeypatch):
    def useless(gains, users, components):
        return learn_blend(gains, users, components)._replace(judged=np.zeros(len(users)))

    monkeypatch.setattr("nightschool.night.selection.choice.learn_blend", useless)
    found = choose_recipe([split], search("1.0", "1.1", "0.9"), view)
    assert found.blend is not None
    assert len(found.recipe.components) == 1


def test_a_hybrid_must_be_ahead_by_more_than_the_luckiest_alpha(split, fixed):
    scores = {"ease": [0, 9, 1, 2], "content": [0, 8, 9, 1]}
    found = choose_recipe([split], search(*scores, alphas=ALPHAS), lambda model, _: fixed(scores[model]))
    assert found.recipe.alpha is None or found.value > found.candidates[0].evaluation.mean("ndcg", 10)
    assert set(found.sweep) == {*ALPHAS}


def test_what_only_the_first_cut_favours_is_not_chosen(split, fixed):
    """On the first cut nine users in ten meet item 1, on the two others all meet item 2."""
    others = [with_hits(split, np.full(400, 2)), with_hits(split, np.full(400, 2))]
    scores = {"first": [0, 9, 1, 8], "others": [0, 1, 9, 8]}
    found = choose_recipe([split, *others], search(*scores, seconds=1.0), lambda model, _: fixed(scores[model]))
    assert found.cuts == 3
    assert found.recipe.components[0].model == "others"
    assert choose_recipe([split], search(*scores), lambda m, _: fixed(scores[m])).recipe.components[0].model == "first"


def test_what_the_search_gained_is_said(split, fixed):
    found = choose_recipe([split], search("good"), lambda *_: fixed([0, 9, 8, 1]))
    assert found.bought == (
        "1 fit on 1 validation cut: the best model has ndcg@10 0.9631 with defaults and 0.9631 with the chosen "
        "settings, good has 0.9631"
    )
