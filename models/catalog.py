"""The models there are, by name; a new one is a file of its own and a line here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from models.autoencoders.dlae import Dlae
from models.autoencoders.ease import Ease
from models.autoencoders.gfcf import Gfcf
from models.base import Model, ModelConfig
from models.baselines.content import Content
from models.baselines.popularity import Popularity
from models.baselines.recent_popularity import RecentPopularity
from models.factorization.bpr import Bpr
from models.factorization.ials import Ials
from models.factorization.nmf import Nmf
from models.factorization.svd import Svd
from models.factorization.svd_surprise import SvdSurprise
from models.factorization.svdpp import Svdpp
from models.hybrid import Hybrid
from models.neighbours.itemknn import ItemKnn
from models.neighbours.knn_baseline import KnnBaseline
from models.neighbours.rp3beta import Rp3Beta
from models.neighbours.userknn import UserKnn
from models.rating_stack.bayesian_fm import BayesianFm
from models.rating_stack.stack import Stack
from models.reranker.reranker import Reranker, RerankerConfig
from models.serialization import read_card
from nightschool.contract import RERANKER, Recipe, Space
from nightschool.errors import ConfigurationError

MODELS: Mapping[str, type[Model]] = {
    "popularity": Popularity,
    "svd": Svd,
    "ease": Ease,
    "content": Content,
    "svd_surprise": SvdSurprise,
    "svdpp": Svdpp,
    "nmf": Nmf,
    "knn_baseline": KnnBaseline,
    "bayesian_fm": BayesianFm,
    "stack": Stack,
    "dlae": Dlae,
    "ials": Ials,
    "bpr": Bpr,
    "itemknn": ItemKnn,
    "userknn": UserKnn,
    "rp3beta": Rp3Beta,
    "gfcf": Gfcf,
    "recent_popularity": RecentPopularity,
}

Config = TypeVar("Config", bound=BaseModel)


def create(name: str, params: Mapping[str, Any]) -> Model:
    """An unfitted model with these hyper-parameters over its defaults.

    Raises:
        ConfigurationError: There is no such model or hyper-parameter, or a value is out of range.
    """
    model = _model(name)
    return model(_validated(name, model.config_type, params))


def create_reranker(params: Mapping[str, Any]) -> Reranker:
    """An unfitted reranker with these hyper-parameters over its defaults.

    Raises:
        ConfigurationError: There is no such hyper-parameter, or a value is out of range.
    """
    return Reranker(_validated(RERANKER, RerankerConfig, params))


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
    models = [create(component.model, component.params) for component in recipe.components]
    return Hybrid(recipe, models, None if recipe.reranker is None else create_reranker(recipe.reranker))


def load(directory: Path) -> Hybrid:
    """The fitted recommender that `Hybrid.save` wrote into the directory.

    Raises:
        NotFound: The directory holds no recommender.
        ConfigurationError: It names a model that no longer exists, or its files are damaged.
    """
    recipe = Recipe.model_validate(read_card(directory, Hybrid.name))
    return build(recipe).load(directory)


def _validated(name: str, config_type: type[Config], params: Mapping[str, Any]) -> Config:
    try:
        return config_type.model_validate(dict(params))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join([name, *(str(part) for part in first["loc"])])
        known = ", ".join(f"{name}.{field}" for field in config_type.model_fields)
        raise ConfigurationError(
            f"hyper-parameter {key}: {first['msg']}", seen=first["input"], do=f"set one of {known or 'none'}"
        ) from error


def _model(name: str) -> type[Model]:
    if name not in MODELS:
        raise ConfigurationError("no such model", seen=name, do=f"use one of {', '.join(MODELS)}")
    return MODELS[name]
