"""Fitting a recipe on Spark, and reading it back for the users of a part."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from models.base import Model
from models.baselines.content import Content
from models.baselines.popularity import Popularity
from models.catalog import build
from models.factorization.als_spark import AlsSpark, fit_item_factors
from models.fitted_state import Known
from models.hybrid import Hybrid
from models.neighbours.itemknn import ItemKnn
from models.sequential.transitions import Transitions
from models.serialization import read_card
from nightschool.contract import Dataset
from nightschool.data.dataset import EventLog
from nightschool.errors import ConfigurationError
from nightschool.night.config import ON_SPARK
from nightschool.recipe import Recipe
from nightschool.spark.item_weights import item_neighbours, transitions
from nightschool.spark.matrices import Counted, likes_files
from nightschool.spark.parts import Parts, View


@dataclass(frozen=True)
class Fitting:
    """What models are fitted to.

    Attributes:
        parts: The parts of the log.
        view: What of it is learned from.
        counted: What `write_matrices` counted.
        scratch: A folder for what passes through files.
    """

    parts: Parts
    view: View
    counted: Counted
    scratch: Path

    @property
    def seed(self) -> int:
        """The night's seed."""
        return self.parts.seed

    def items(self) -> Dataset:
        """Return the items without users, as the view sees them."""
        log: EventLog = self.parts.items()
        cut = self.parts.cut(log)
        return log.dataset(log.known, cut.test_from if self.view == "test" else None)


def fit_recipe(recipe: Recipe, fitting: Fitting, folder: Path) -> Hybrid:
    """Fit a recipe and write it, without users, below the folder; return it without users.

    Raises:
        ConfigurationError: Spark does not fit one of its models.
    """
    check_recipe(recipe)
    fitted = build(recipe)
    for model in fitted.parts.values():
        _LEARN[model.name](model, fitting)
    fitted.write(folder)
    return fitted


def check_recipe(recipe: Recipe) -> None:
    """Raise unless Spark fits every model of a recipe.

    Raises:
        ConfigurationError: It does not.
    """
    others = [component.model for component in recipe.components if component.model not in ON_SPARK]
    if others or recipe.reranker is not None:
        raise ConfigurationError(
            "Spark does not fit this model",
            seen=", ".join(others) or "reranker",
            do=f"use models of {', '.join(ON_SPARK)}, or engine=local",
        )


def load_recipe(folder: Path, dataset: Dataset) -> Hybrid:
    """Load what `fit_recipe` wrote, for the users of a dataset."""
    fitted = build(Recipe.model_validate(read_card(folder, Hybrid.name)))
    # Without the checks of a fit: a part may have no interactions.
    known = Known(dataset.user_ids, dataset.item_ids, dataset.histories(), dataset.available, dataset.cold_users)
    fitted.read(folder, known)
    return fitted


def _learn_popularity(model: Model, fitting: Fitting) -> None:
    if isinstance(model, Popularity):
        counted = fitting.counted
        counts = counted.weighted if model.config.weighted else counted.items.liked
        model.counts = counts.astype(np.float32)


def _learn_itemknn(model: Model, fitting: Fitting) -> None:
    if isinstance(model, ItemKnn):
        model.weights = item_neighbours(fitting.parts, fitting.view, fitting.counted, model, fitting.scratch)


def _learn_transitions(model: Model, fitting: Fitting) -> None:
    if isinstance(model, Transitions):
        model.weights = transitions(fitting.parts, fitting.view, fitting.counted, model, fitting.scratch)


def _learn_als(model: Model, fitting: Fitting) -> None:
    if isinstance(model, AlsSpark):
        files, n_items = likes_files(fitting.parts, fitting.view), len(fitting.counted.placed)
        model.take(fit_item_factors(files, n_items, model.config, fitting.seed))


def _learn_content(model: Model, fitting: Fitting) -> None:
    if isinstance(model, Content):
        model.learn_items(fitting.items())


_LEARN: Final[Mapping[str, Callable[[Model, Fitting], None]]] = {
    "popularity": _learn_popularity,
    "itemknn": _learn_itemknn,
    "transitions": _learn_transitions,
    "als_spark": _learn_als,
    "content": _learn_content,
}
