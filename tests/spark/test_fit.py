from pathlib import Path

import numpy as np
import pytest

from models.catalog import build
from nightschool.errors import ConfigurationError
from nightschool.night.prepare import prepare_events
from nightschool.recipe import Component, Recipe
from nightschool.spark.fit import Fitting, check_recipe, fit_recipe, load_recipe
from nightschool.spark.matrices import write_matrices
from tests.spark.logs import divided, here, home_of, open_night, planted


def of(*models: str, **params) -> Recipe:
    return Recipe(components=tuple(Component(model=model, params=params.get(model, {})) for model in models))


RECIPES = [of("popularity"), of("itemknn", "transitions"), of("popularity", popularity={"weighted": True})]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_a_fitted_recipe_scores_the_users_of_a_part(recipe: Recipe, tmp_path: Path, monkeypatch) -> None:
    night = open_night(home_of(planted(), tmp_path / "home"))
    parts = divided(night, tmp_path / "parts", 3, monkeypatch)
    fitting = Fitting(parts, "everything", write_matrices(parts, "everything"), tmp_path / "scratch")
    fit_recipe(recipe, fitting, tmp_path / "model")
    whole = prepare_events(here(night)).log.dataset()
    expected = build(recipe).fit(whole, seed=0)
    for part, first in enumerate(parts.firsts):
        dataset = parts.dataset(part, "everything")
        fitted = load_recipe(tmp_path / "model", dataset)
        users = np.arange(dataset.n_users, dtype=np.int32)
        np.testing.assert_array_equal(fitted.score(users), expected.score(users + np.int32(first)))


def test_items_are_those_of_the_view(tmp_path: Path, monkeypatch) -> None:
    night = open_night(home_of(planted(), tmp_path / "home"))
    parts = divided(night, tmp_path / "parts", 3, monkeypatch)
    counted = write_matrices(parts, "test")
    for view in ("test", "everything"):
        items = Fitting(parts, view, counted, tmp_path).items()
        np.testing.assert_array_equal(items.available, parts.dataset(0, view).available)
        assert items.n_users == 0


@pytest.mark.parametrize("recipe", [of("itemknn", "ease"), of("itemknn").model_copy(update={"reranker": {}})], ids=str)
def test_what_spark_does_not_fit_is_refused_by_name(recipe: Recipe) -> None:
    with pytest.raises(ConfigurationError, match=r"Spark does not fit this model; saw '(ease|reranker)'"):
        check_recipe(recipe)
