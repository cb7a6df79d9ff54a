from dataclasses import replace

import numpy as np
import pytest

from nightschool.evaluation.evaluate import evaluate
from nightschool.night.selection.evaluators import Evaluators, ValidationEvaluator, sample_rows
from nightschool.night.selection.search import Search
from nightschool.recipe import Component

SEARCH = Search((), 0.0, alphas=(), cutoffs=(1, 10), seed=0, megabytes=1, max_users=1000)


def test_values_by_user_are_those_of_the_whole_evaluation(split, fixed):
    good = fixed([0, 9, 8, 1])
    found = ValidationEvaluator(split, SEARCH).ndcg(good)
    whole = evaluate(good, split, cutoffs=(10,))
    assert found.users.tolist() == whole.users.tolist()
    assert found.values == pytest.approx(whole.values("ndcg", 10))
    assert found.mean == pytest.approx(whole.mean("ndcg", 10))


def test_without_users_a_mean_is_below_all_others(split, fixed):
    nothing = replace(split, held_out=split.held_out.clear())
    assert ValidationEvaluator(nothing, SEARCH).ndcg(fixed([0, 9, 8, 1])).mean == -np.inf


def test_a_cut_is_built_when_it_is_asked_for_and_once(split):
    class Cuts(list):
        asked = 0

        def __getitem__(self, place):
            type(self).asked += 1
            return super().__getitem__(place)

    evaluators = Evaluators(Cuts([split, split, split]), SEARCH)
    assert (len(evaluators), Cuts.asked) == (3, 0)
    assert evaluators[1] is evaluators[1]
    assert Cuts.asked == 1


def test_a_component_is_fitted_with_its_settings(split, fixed):
    fitted = ValidationEvaluator(split, SEARCH).fit(
        Component(model="good", params={"scores": [1, 2]}), lambda _, params: fixed(params["scores"])
    )
    assert fitted.recommender.scores.tolist() == [1, 2]
    assert fitted.recipe.name == "good"
    assert fitted.fit_seconds >= 0


@pytest.mark.parametrize("at_most", [0, 3, 10, 20])
def test_rows_are_drawn_by_seed(at_most):
    rows = sample_rows(10, at_most, seed=3)
    assert rows.sum() == min(at_most, 10)
    assert rows.tolist() == sample_rows(10, at_most, seed=3).tolist()
