"""The models there are, by name; a new one is a file of its own and a line here."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from models.base import Model, ModelConfig
from models.hybrid import Hybrid
from models.reranker.config import RerankerConfig
from models.serialization import read_card
from nightschool.contract import Space
from nightschool.errors import ConfigurationError
from nightschool.recipe import RERANKER, Recipe

if TYPE_CHECKING:
    from models.reranker.reranker import Reranker


class Catalogue(Mapping[str, type[Model]]):
    """Model classes by name, each imported when it is first asked for: a night loads no library that it does not use.

    Args:
        classes: Name to the class, as `module.Class`.
    """

    def __init__(self, classes: Mapping[str, str]) -> None:
        self._classes = classes

    def __getitem__(self, name: str) -> type[Model]:
        found: type[Model] = _imported(self._classes[name])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)


MODELS: Mapping[str, type[Model]] = Catalogue(
    {
        "popularity": "models.baselines.popularity.Popularity",
        "svd": "models.factorization.svd.Svd",
        "ease": "models.autoencoders.ease.Ease",
        "content": "models.baselines.content.Content",
        "svd_surprise": "models.factorization.svd_surprise.SvdSurprise",
        "svdpp": "models.factorization.svdpp.Svdpp",
        "nmf": "models.factorization.nmf.Nmf",
        "knn_baseline": "models.neighbours.knn_baseline.KnnBaseline",
        "bayesian_fm": "models.rating_stack.bayesian_fm.BayesianFm",
        "stack": "models.rating_stack.stack.Stack",
        "dlae": "models.autoencoders.dlae.Dlae",
        "als_spark": "models.factorization.als_spark.AlsSpark",
        "ials": "models.factorization.ials.Ials",
        "bpr": "models.factorization.bpr.Bpr",
        "itemknn": "models.neighbours.itemknn.ItemKnn",
        "userknn": "models.neighbours.userknn.UserKnn",
        "rp3beta": "models.neighbours.rp3beta.Rp3Beta",
        "gfcf": "models.autoencoders.gfcf.Gfcf",
        "transitions": "models.sequential.transitions.Transitions",
        "next_ridge": "models.sequential.next_ridge.NextRidge",
        "next_neighbours": "models.sequential.next_neighbours.NextNeighbours",
        "sasrec": "models.sequential.sasrec.SasRec",
        "multvae": "models.neural.multvae.MultVae",
        "neumf": "models.neural.neumf.NeuMf",
        "lightgcn": "models.neural.lightgcn.LightGcn",
        "neural_hybrid": "models.neural.neural_hybrid.NeuralHybrid",
        "recent_popularity": "models.baselines.recent_popularity.RecentPopularity",
    }
)

Config = TypeVar("Config", bound=BaseModel)


def create(name: str, params: Mapping[str, Any]) -> Model:
    """Create an unfitted model with these hyper-parameters over its defaults.

    Raises:
        ConfigurationError: There is no such model or hyper-parameter, or a value is out of range.
    """
    model = _model(name)
    return model(_validated(name, model.config_type, params))


def create_reranker(params: Mapping[str, Any]) -> "Reranker":
    """Create an unfitted reranker with these hyper-parameters over its defaults.

    Raises:
        ConfigurationError: There is no such hyper-parameter, or a value is out of range.
    """
    reranker: Reranker = _imported("models.reranker.reranker.Reranker")(reranker_config(params))
    return reranker


def reranker_config(params: Mapping[str, Any]) -> RerankerConfig:
    """Return the reranker's hyper-parameters: these over the defaults.

    Raises:
        ConfigurationError: There is no such hyper-parameter, or a value is out of range.
    """
    return _validated(RERANKER, RerankerConfig, params)


def space(name: str) -> Space:
    """Return the hyper-parameters of a model that the search tries, with their values.

    Raises:
        ConfigurationError: There is no such model.
    """
    config = _model(name).config_type
    return config.space if issubclass(config, ModelConfig) else {}


def build(recipe: Recipe) -> Hybrid:
    """Build the unfitted recommender that a recipe describes.

    Raises:
        ConfigurationError: The recipe names a model or hyper-parameter that no longer exists.
    """
    models = [create(component.model, component.params) for component in recipe.components]
    return Hybrid(recipe, models, None if recipe.reranker is None else create_reranker(recipe.reranker))


def load(directory: Path) -> Hybrid:
    """Load the fitted recommender that `Hybrid.save` wrote into the directory.

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


def _imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
