import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models import catalog
from models.hybrid import Hybrid
from nightschool.capabilities import FoldsIn, WeighsItems
from nightschool.errors import ConfigurationError
from nightschool.recipe import Recipe
from nightschool.testing.recommender import all_scores

ROOT = Path(__file__).parents[2]

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


def test_a_model_is_listed_by_its_name_and_tested_by_the_contract():
    for name, model in catalog.MODELS.items():
        assert model.name == name
        module = Path("tests", *model.__module__.split("."))
        tree = ast.parse((ROOT / module.parent / f"test_{module.name}.py").read_text())
        tested = [ast.unparse(node) for node in tree.body if isinstance(node, ast.ClassDef)]
        assert any(f"(RecommenderContract):\n    model = {model.__name__}" in text for text in tested), name


def test_every_model_is_in_the_catalogue():
    for file in sorted((ROOT / "models").glob("*/**/*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and (name := _name_of(node)) is not None:
                assert name in catalog.MODELS, f"{file.name}: {node.name} needs its line in models/catalog.py"


def _name_of(node: ast.ClassDef) -> str | None:
    """The text that a class of the family folders calls itself."""
    for statement in node.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        value = getattr(statement, "value", None)
        if isinstance(target, ast.Name) and target.id == "name" and isinstance(value, ast.Constant):
            return str(value.value)
    return None


def test_capabilities_are_where_the_night_expects_them():
    weighing, folding = (
        {name for name, model in catalog.MODELS.items() if issubclass(model, protocol)}
        for protocol in (WeighsItems, FoldsIn)
    )
    assert {"ease", "content"} <= weighing
    assert {"ease", "content", "popularity"} <= folding


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
