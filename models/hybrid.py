"""A recipe at work: the components' normalised scores, blended over a pool of candidates."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from models.base import Model
from models.known import Known
from nightschool.contract import Dataset, Float32s, Indices, Mask, Recipe
from nightschool.errors import ConfigurationError
from nightschool.ranking.blend import blend, component_scores


class Hybrid(Model):
    """Ranks the candidate pool by Σ weight · score, each component's scores normalised per user.

    Scores are z-scores over a user's unseen available items; the pool is the union of each component's best of them,
    and everything outside it is ranked nowhere. A recipe of one component keeps that component's order.
    """

    name = "hybrid"
    config_type = Recipe
    learned = ()

    config: Recipe

    def __init__(self, recipe: Recipe, models: Sequence[Model]) -> None:
        super().__init__(recipe)
        if [model.name for model in models] != [component.model for component in recipe.components]:
            raise ConfigurationError(
                f"the recipe {recipe.name} names other models",
                seen=[model.name for model in models],
                do="build it anew",
            )
        self._parts = dict(zip(component_names(recipe), models, strict=True))

    @property
    def recipe(self) -> Recipe:
        """The names and numbers it was built from."""
        return self.config

    @property
    def parts(self) -> Mapping[str, Model]:
        """Catalogue name to fitted component, in the order of the recipe."""
        return self._parts

    def component_scores(self, user_indices: Indices) -> tuple[Float32s, Mask]:
        """Normalised scores, float32 [n_components, n_block, n_items], and the pool, bool [n_block, n_items]."""
        scorers = [part.score for part in self._parts.values()]
        return component_scores(scorers, user_indices, self.known.history[user_indices], self.known.available)

    def forget(self, user_index: int) -> None:
        """Removes a user from the blend and from every component."""
        super().forget(user_index)
        for part in self._parts.values():
            part.forget(user_index)

    def write(self, directory: Path) -> None:
        """Writes the recipe, and each component in a folder of its own."""
        super().write(directory)
        for name, part in self._parts.items():
            part.write(directory / name)

    def read(self, directory: Path, known: Known) -> None:
        """Takes over what `write` wrote, for these ids and histories."""
        super().read(directory, known)
        for name, part in self._parts.items():
            part.read(directory / name, known)

    def _learn(self, dataset: Dataset, seed: int) -> None:
        for part in self._parts.values():
            part.fit(dataset, seed=seed)

    def _score(self, user_indices: Indices) -> Float32s:
        standardised, pool = self.component_scores(user_indices)
        weights = np.array([component.weight for component in self.recipe.components], dtype=np.float32)
        return blend(standardised, weights, pool)


def component_names(recipe: Recipe) -> list[str]:
    """One name a component: its model's, numbered from the second of the same model on (`ease`, `ease_2`)."""
    models = [component.model for component in recipe.components]
    counted = [models[: place + 1].count(model) for place, model in enumerate(models)]
    return [model if count == 1 else f"{model}_{count}" for model, count in zip(models, counted, strict=True)]
