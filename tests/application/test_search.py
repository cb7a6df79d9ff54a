import json

import numpy as np
import polars as pl
import pytest

from models.catalog import MODELS, create, create_reranker
from models.neural.jax_model import JaxModel
from nightschool.application.search import CANDIDATES, check_models, search_for, settled_search
from nightschool.contract import Dataset
from nightschool.errors import ConfigurationError
from nightschool.night.config import NightConfig
from nightschool.recipe import Component, Recipe
from nightschool.testing.datasets import two_tastes


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return two_tastes()


def names(search) -> list[str]:
    return [one.model for one in search.tunables]


def test_fixed_hyper_parameters_are_not_searched_and_the_others_start_from_their_defaults(dataset):
    config = NightConfig(models=("popularity", "ease"), params={"ease": {"l2": 7, "weights_per_item": 9}})
    popularity, ease = search_for(config, dataset).tunables
    assert (popularity.model, popularity.fixed, popularity.space) == ("popularity", {}, {})
    assert ease.fixed == {"l2": 7, "weights_per_item": 9}
    assert "l2" not in ease.space
    free = search_for(NightConfig(models=("ease",)), dataset).tunables[0]
    assert free.defaults["l2"] == 500.0
    assert set(free.space) <= set(free.defaults)


def test_a_recipe_of_all_settings_is_the_model_that_the_defaults_make(dataset):
    for tunable in search_for(NightConfig(models=tuple(MODELS)), dataset).tunables:
        settings = json.loads(json.dumps(tunable.defaults))
        assert create(tunable.model, settings).config == create(tunable.model, {}).config
    defaults = json.loads(json.dumps(search_for(NightConfig(), dataset).reranker_defaults))
    assert create_reranker(defaults).config == create_reranker({}).config


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (NightConfig(params={"reranker": {"tree": 3}}), "reranker.tree"),
        (NightConfig(params={"eas": {"l2": 3}}), "eas"),
        (NightConfig(params={"ease": {"l2": -5}}), "ease.l2"),
        (NightConfig(params={"ease": {"lambda": 1}}), "ease.lambda"),
        (NightConfig(models=("eas",)), "eas"),
    ],
)
def test_a_wrong_name_or_value_is_the_users_mistake_and_no_failed_candidate(config, named):
    with pytest.raises(ConfigurationError, match=named):
        check_models(config)


def test_auto_tries_every_candidate_where_the_data_are_small(dataset):
    search = search_for(NightConfig(minutes=60), dataset)
    assert {*names(search), *search.left_out, "reranker"} == {*CANDIDATES}
    assert search.reranker == {}
    assert all("not tried" not in reason for reason in search.left_out.values())
    assert 0 < search.seconds < 3600


def test_a_reranker_is_no_candidate_of_its_own_and_auto_has_one_where_the_minutes_allow_it(dataset):
    short = search_for(NightConfig(minutes=0), dataset)
    assert short.reranker is None
    assert short.left_out["reranker"].startswith("not tried: it takes about ")
    assert [search_for(NightConfig(minutes=minutes), dataset).reranked_cuts for minutes in (0, 60)] == [1, 4]
    config = NightConfig(models=("ease", "reranker"), params={"reranker": {"trees": 7}}, minutes=0)
    search = search_for(config, dataset)
    assert (names(search), search.reranker) == (["ease"], {"trees": 7})
    champion = Recipe(components=(Component(model="ease"),))
    assert settled_search(champion, search).reranker is None


def large() -> Dataset:
    """Likes in the shape of a hundred thousand items, which no dense item matrix fits into a minute."""
    small = two_tastes()
    pairs = pl.DataFrame({"user_index": np.repeat(np.arange(500, dtype=np.int32), 200)})
    items = np.arange(pairs.height, dtype=np.int32)
    timed = pairs.with_columns(
        item_index=pl.Series(items), score=pl.lit(1.0, pl.Float32), timestamp=pl.lit(None, pl.Datetime("us", "UTC"))
    )
    ids = pl.Series(np.arange(100_000))
    return Dataset(
        user_ids=pl.Series(np.arange(500)),
        item_ids=ids,
        interactions=timed,
        users=small.users,
        items=pl.DataFrame({"item_id": ids}),
        available=np.ones(100_000, dtype=bool),
    )


def test_auto_leaves_out_what_the_minutes_do_not_hold_and_says_so():
    search = search_for(NightConfig(minutes=1), large())
    assert {"popularity", "ials"} <= {*names(search)}
    assert {"dlae", "ease"} <= search.left_out.keys()
    assert search.left_out["ease"].startswith("not tried: it takes about ")
    assert search.left_out["ease"].endswith(" s are left for it")
    named = search_for(NightConfig(minutes=1, models=("popularity", "ease")), large())
    assert (names(named), named.left_out) == (["popularity", "ease"], {})


def test_auto_tries_networks_where_they_leave_the_minutes_to_cuts_and_blends(dataset):
    tried = [names(search_for(NightConfig(minutes=minutes), dataset)) for minutes in (0.5, 5, 60)]
    networks = [[name for name in found if issubclass(MODELS[name], JaxModel)] for found in tried]
    assert networks == [[], ["lightgcn"], ["lightgcn", "multvae", "neural_hybrid", "neumf", "sasrec"]]
    others = [[name for name in found if not issubclass(MODELS[name], JaxModel)] for found in tried]
    assert others[0] == others[1] == others[2]


def test_auto_says_of_a_machine_without_jax_what_it_lacks(dataset, monkeypatch):
    monkeypatch.setattr("models.neural.jax_model.find_spec", lambda _: None)
    search = search_for(NightConfig(minutes=60), dataset)
    assert "multvae" not in names(search)
    assert "which are not installed" in search.left_out["multvae"]


def test_estimates_follow_the_shape_and_the_setting_and_not_the_machine(dataset):
    small, big = (
        {one.model: one for one in search_for(NightConfig(models=tuple(MODELS)), data).tunables}
        for data in (dataset, large())
    )
    assert all(small[name].seconds({}) < big[name].seconds({}) for name in small)
    assert small["ials"].seconds({"factors": 500}) > small["ials"].seconds({"factors": 50})
    assert all(one.seconds({}) == one.seconds({}) > 0 for one in small.values())


def test_between_tunings_each_model_has_one_setting_and_the_champion_its_own(dataset):
    champion = Recipe(components=(Component(model="ease", params={"l2": 77}),))
    settled = settled_search(champion, search_for(NightConfig(models=("popularity", "ease")), dataset))
    tunables = {one.model: one for one in settled.tunables}
    assert tunables["ease"].fixed == {"l2": 77}
    assert not any(one.space for one in tunables.values())
    assert settled.seconds == 0
