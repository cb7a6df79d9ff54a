import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models import catalog
from models.base import Model
from models.hybrid import Hybrid
from nightschool.capabilities import FoldsIn, WeighsItems
from nightschool.contract import Recipe, Recommender, Span
from nightschool.errors import ConfigurationError, DataRefused, NotFound

BLEND = Recipe.model_validate(
    {
        "components": [
            {"model": "ease", "params": {"l2": 50.0}, "weight": 0.7},
            {"model": "content", "weight": 0.3},
            {"model": "svd", "params": {"factors": 3}, "weight": 0.1},
        ],
        "alpha": 0.7,
    }
)


WEIGHING = [name for name, model in catalog.MODELS.items() if issubclass(model, WeighsItems)]
FOLDING = [name for name, model in catalog.MODELS.items() if issubclass(model, FoldsIn)]


def new(name: str) -> Model:
    return catalog.build(BLEND) if name == "hybrid" else catalog.create(name, {})


@pytest.fixture(scope="module", params=[*catalog.MODELS, "hybrid"])
def name(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(name, planted):
    return new(name).fit(planted, seed=1)


def all_scores(model):
    return model.score(np.arange(len(model.known.user_ids), dtype=np.int32))


def test_it_keeps_the_protocol(fitted, planted):
    assert isinstance(fitted, Recommender)
    scores = all_scores(fitted)
    assert scores.shape == (planted.n_users, planted.n_items)
    assert scores.dtype == np.float32
    assert not np.isnan(scores).any()


def test_its_name_is_its_name_in_the_catalogue(name):
    assert new(name).name == name


def test_seen_and_unavailable_items_are_excluded(fitted, planted):
    lists = fitted.recommend(planted.user_ids, 50)
    seen = planted.interactions.select(
        user_id=planted.user_ids[planted.interactions["user_index"]],
        item_id=planted.item_ids[planted.interactions["item_index"]],
    )
    assert lists.join(seen, on=["user_id", "item_id"], how="semi").is_empty()
    assert 121 not in lists["item_id"]


def test_k_beyond_the_catalogue_gives_every_unseen_item_and_no_more(fitted, planted):
    lengths = dict(fitted.recommend(planted.user_ids, 1000).group_by("user_id").len().iter_rows())
    assert lengths["user 41"] == 21
    assert lengths["user 0"] == 12
    assert "user 40" not in lengths


def test_ranks_are_contiguous_and_scores_finite_and_descending(fitted, planted):
    lists = fitted.recommend(planted.user_ids, 7)
    for _, own in lists.group_by("user_id"):
        assert own["rank"].to_list() == list(range(1, own.height + 1))
        assert own["score"].is_sorted(descending=True)
        assert own["item_id"].is_unique().all()
    assert lists["score"].is_finite().all()
    assert lists.schema == {"user_id": pl.String, "item_id": pl.Int64, "rank": pl.Int32, "score": pl.Float32}


def test_a_user_gets_the_same_list_alone_and_among_all(fitted, planted):
    together = fitted.recommend(planted.user_ids, 5)
    alone = pl.concat([fitted.recommend(planted.user_ids[[user]], 5) for user in range(planted.n_users)])
    assert_frame_equal(alone.drop("score"), together.drop("score"))
    np.testing.assert_allclose(alone["score"], together["score"], rtol=1e-4, atol=1e-5)


def test_scores_may_be_overwritten(fitted):
    before = all_scores(fitted).copy()
    all_scores(fitted)[...] = -np.inf
    assert np.array_equal(all_scores(fitted), before)


def test_an_unknown_user_is_named(fitted):
    with pytest.raises(NotFound, match=r"1 of 2 users.*'nobody'"):
        fitted.recommend(pl.Series(["user 0", "nobody"]), 5)
    with pytest.raises(NotFound, match="index"):
        fitted.score(np.array([-1], dtype=np.int32))
    with pytest.raises(NotFound, match="index"):
        fitted.score(np.array([42], dtype=np.int32))


def test_ids_of_another_type_are_refused(fitted):
    with pytest.raises(ConfigurationError, match=r"String.*Int64"):
        fitted.recommend(pl.Series([1, 2]), 5)


def test_saved_and_loaded_it_is_equal(fitted, name, planted, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = new(name).load(tmp_path / "model")
    assert np.array_equal(all_scores(loaded), all_scores(fitted))
    assert_frame_equal(loaded.recommend(planted.user_ids, 5), fitted.recommend(planted.user_ids, 5))
    assert loaded.config == fitted.config
    # Boosted trees are text.
    assert {file.suffix for file in tmp_path.rglob("*") if file.is_file()} - {".txt"} == {".json", ".npz"}


def test_saving_does_not_overwrite(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    with pytest.raises(ConfigurationError, match="not empty"):
        fitted.save(tmp_path / "model")


def test_a_second_fit_replaces_the_first(name, planted):
    shrunk = replace(planted, interactions=planted.interactions.filter(pl.col("user_index") < 20))
    again = new(name).fit(planted, seed=1).fit(shrunk, seed=1)
    assert np.array_equal(all_scores(again), all_scores(new(name).fit(shrunk, seed=1)))
    assert again.recommend(pl.Series(["user 40"]), 50).height == 21


def test_a_fit_that_fails_leaves_nothing_to_recommend_with(fitted, planted):
    with pytest.raises(DataRefused):
        fitted.fit(replace(planted, interactions=planted.interactions.clear()), seed=1)
    fitted.recommend(planted.user_ids, 1)


def test_the_same_seed_gives_the_same_bits(fitted, name, planted):
    assert np.array_equal(all_scores(new(name).fit(planted, seed=1)), all_scores(fitted))


def test_the_dataset_is_left_as_it_was(name, planted):
    before = planted.interactions.clone(), planted.items.clone(), planted.available.copy()
    new(name).fit(planted, seed=1).recommend(planted.user_ids, 5)
    assert_frame_equal(planted.interactions, before[0])
    assert_frame_equal(planted.items, before[1])
    assert np.array_equal(planted.available, before[2])


def test_what_is_not_fitted_says_so(name, tmp_path):
    for use in (
        lambda model: model.score(np.array([0], dtype=np.int32)),
        lambda model: model.recommend(pl.Series(["a"]), 1),
        lambda model: model.save(tmp_path / "model"),
    ):
        with pytest.raises(ConfigurationError, match="not fitted"):
            use(new(name))


@pytest.mark.parametrize("folding", FOLDING)
def test_folding_in_a_known_history_gives_the_users_own_scores(folding, planted):
    model = new(folding).fit(planted, seed=1)
    assert np.array_equal(model.fold_in(planted.scores()), all_scores(model))


@pytest.mark.parametrize("weighing", WEIGHING)
def test_item_weights_are_exactly_what_is_scored(weighing, planted):
    model = new(weighing).fit(planted, seed=1)
    weights = model.item_weights()
    assert weights.dtype == np.float32
    assert weights.shape == (planted.n_items, planted.n_items)
    assert not weights.diagonal().any()
    assert np.array_equal((planted.positives() @ weights).toarray(), all_scores(model))


def test_capabilities_are_where_the_night_expects_them():
    assert {"ease", "content"} <= set(WEIGHING)
    assert {"ease", "content", "popularity"} <= set(FOLDING)


@pytest.mark.parametrize("listed", catalog.MODELS)
def test_every_end_of_the_search_space_can_be_created(listed):
    for name, values in catalog.space(listed).items():
        ends = (values.low, values.high) if isinstance(values, Span) else values
        assert all(isinstance(catalog.create(listed, {name: value}), catalog.MODELS[listed]) for value in ends)


@pytest.mark.parametrize("listed", catalog.MODELS)
def test_the_search_starts_from_within_its_space(listed):
    config = catalog.create(listed, {}).config
    for name, values in catalog.space(listed).items():
        default = getattr(config, name)
        assert values.low <= default <= values.high if isinstance(values, Span) else default in values


@pytest.mark.parametrize("listed", catalog.MODELS)
def test_every_hyper_parameter_is_described_and_frozen(listed):
    config = catalog.MODELS[listed].config_type
    assert all(field.description for field in config.model_fields.values())
    assert config.model_config["frozen"]


@pytest.mark.parametrize("use", [catalog.space, lambda name: catalog.create(name, {})])
def test_an_unknown_model_is_named(use):
    with pytest.raises(ConfigurationError, match=r"no such model.*'gone'.*popularity, svd, ease, content"):
        use("gone")


def test_a_recipe_whose_model_no_longer_exists_is_refused(planted, tmp_path):
    gone = Recipe.model_validate({"components": [{"model": "gone"}]})
    with pytest.raises(ConfigurationError, match="'gone'"):
        catalog.build(gone)
    hybrid = catalog.build(Recipe.model_validate({"components": [{"model": "popularity"}]})).fit(planted, seed=0)
    hybrid.save(tmp_path / "model")
    card = tmp_path / "model" / "model.json"
    card.write_text(card.read_text().replace('"popularity"', '"gone"'))
    with pytest.raises(ConfigurationError, match="'gone'"):
        catalog.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("params", "message"),
    [({"l2": -1}, "ease.l2.*saw -1"), ({"l3": 1}, re.escape("ease.l3")), ({"l2": "much"}, "ease.l2.*'much'")],
)
def test_a_bad_hyper_parameter_is_named(params, message):
    with pytest.raises(ConfigurationError, match=message):
        catalog.create("ease", params)


def test_the_catalogue_loads_what_a_recipe_saved(planted, tmp_path):
    hybrid = catalog.build(BLEND).fit(planted, seed=3)
    hybrid.save(tmp_path / "model")
    loaded = catalog.load(tmp_path / "model")
    assert isinstance(loaded, Hybrid)
    assert loaded.recipe == BLEND
    assert np.array_equal(all_scores(loaded), all_scores(hybrid))


def test_the_catalogue_loads_no_library_that_only_some_models_use():
    heavy = ("implicit", "lightgbm", "myfm", "sklearn", "surprise")
    code = f"import sys, models.catalog; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
