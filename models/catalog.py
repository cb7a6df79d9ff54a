"""The models there are, by name; a new one is a file of its own and a line here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.base import Model, ModelConfig
from models.content import Content
from models.ease import Ease
from models.files import read_card
from models.hybrid import Hybrid
from models.popularity import Popularity
from models.svd import Svd
from nightschool.contract import Recipe, Space
from nightschool.errors import ConfigurationError

MODELS: Mapping[str, type[Model]] = {
    "popularity": Popularity,
    "svd": Svd,
    "ease": Ease,
    "content": Content,
}


def create(name: str, params: Mapping[str, Any]) -> Model:
    """An unfitted model with these hyper-parameters over its defaults.

    Raises:
        ConfigurationError: There is no such model or hyper-parameter, or a value is out of range.
    """
    model = _model(name)
    try:
        return model(model.config_type.model_validate(dict(params)))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join([name, *(str(part) for part in first["loc"])])
        known = ", ".join(f"{name}.{field}" for field in model.config_type.model_fields)
        raise ConfigurationError(
            f"hyper-parameter {key}: {first['msg']}", seen=first["input"], do=f"set one of {known or 'none'}"
        ) from error


def space(name: str) -> Space:
    """The hyper-parameters of a model that the search tries, and their values.

    Raises:
        ConfigurationError: There is no such model.
    """
    config = _model(name).config_type
    return config.space if issubclass(config, ModelConfig) else {}


def build(recipe: Recipe) -> Hybrid:
    """The unfitted recommender that a recipe describes.

    Raises:
        ConfigurationError: The recipe names a model or hyper-parameter that no longer exists.
    """
    return Hybrid(recipe, [create(component.model, component.params) for component in recipe.components])


def load(directory: Path) -> Hybrid:
    """The fitted recommender that `Hybrid.save` wrote into the directory.

    Raises:
        NotFound: The directory holds no recommender.
        ConfigurationError: It names a model that no longer exists, or its files are damaged.
    """
    recipe = Recipe.model_validate(read_card(directory, Hybrid.name))
    return build(recipe).load(directory)


def _model(name: str) -> type[Model]:
    if name not in MODELS:
        raise ConfigurationError("no such model", seen=name, do=f"use one of {', '.join(MODELS)}")
    return MODELS[name]
