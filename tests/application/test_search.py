import json
import math

import pytest

from models.catalog import MODELS, create, create_reranker
from nightschool.application.search import repeat_search, search_for, settled_search
from nightschool.errors import ConfigurationError
from nightschool.night.config import NightConfig
from nightschool.night.lineage import Searched
from nightschool.recipe import Component, Recipe


def test_fixed_hyper_parameters_are_not_searched_and_the_others_start_from_their_defaults():
    config = NightConfig(models=("popularity", "ease"), params={"ease": {"l2": 7, "weights_per_item": 9}})
    popularity, ease = search_for(config).tunables
    assert (popularity.model, popularity.fixed, popularity.space) == ("popularity", {}, {})
    assert ease.fixed == {"l2": 7, "weights_per_item": 9}
    assert "l2" not in ease.space
    free = search_for(NightConfig(models=("ease",))).tunables[0]
    assert free.defaults["l2"] == 500.0
    assert set(free.space) <= set(free.defaults)


def test_a_recipe_of_all_settings_is_the_model_that_the_defaults_make():
    for tunable in search_for(NightConfig(models=tuple(MODELS))).tunables:
        settings = json.loads(json.dumps(tunable.defaults))
        assert create(tunable.model, settings).config == create(tunable.model, {}).config
    defaults = json.loads(json.dumps(search_for(NightConfig()).reranker_defaults))
    assert create_reranker(defaults).config == create_reranker({}).config


def test_the_budget_is_shared_by_the_models_that_have_something_to_search():
    config = NightConfig(models=("popularity", "content", "ease", "svd"), search_trials=5, search_seconds=20)
    budget = search_for(config).budget
    assert (budget.trials, budget.seconds, budget.models) == (5, 20, 2)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"reranker": {"tree": 3}}, "reranker.tree"),
        ({"eas": {"l2": 3}}, "eas"),
        ({"ease": {"l2": -5}}, "ease.l2"),
        ({"ease": {"lambda": 1}}, "ease.lambda"),
    ],
)
def test_a_wrong_hyper_parameter_is_the_users_mistake_and_no_failed_candidate(params, named):
    with pytest.raises(ConfigurationError, match=named):
        search_for(NightConfig(params=params))


def test_a_reranker_is_no_candidate_of_its_own():
    assert search_for(NightConfig()).reranker is None
    config = NightConfig(models=("ease", "reranker"), params={"reranker": {"trees": 7}}, rerank_seconds=5)
    search = search_for(config)
    assert [one.model for one in search.tunables] == ["ease"]
    assert (search.reranker, search.rerank_seconds) == ({"trees": 7}, 5)
    champion = Recipe(components=(Component(model="ease"),))
    assert settled_search(champion, search).reranker is None


def test_between_tunings_each_model_has_one_setting_and_the_champion_its_own():
    champion = Recipe(components=(Component(model="ease", params={"l2": 77}),))
    tunables = {
        one.model: one
        for one in settled_search(champion, search_for(NightConfig(models=("popularity", "ease")))).tunables
    }
    assert tunables["ease"].fixed == {"l2": 77}
    assert not any(one.space for one in tunables.values())


def test_a_repeat_asks_no_clock_and_has_a_reranker_only_if_one_was_tried():
    search = search_for(NightConfig(models=("ease", "reranker"), rerank_seconds=5))
    ease = Component(model="ease", params={"l2": 7.5})
    without = repeat_search(search, Searched((ease,), reranked=False))
    assert (without.repeated, without.reranker, without.rerank_seconds) == ((ease,), None, math.inf)
    reranker = Component(model="reranker", params={"trees": 7})
    assert repeat_search(search, Searched((ease, reranker), reranked=True)).reranker == {}
