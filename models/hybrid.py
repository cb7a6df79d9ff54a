"""A recipe at work: the components' normalised scores, blended over a pool of candidates."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from models.base import Model
from models.known import Known
from nightschool.contract import Dataset, Float32s, FoldsIn, Indices, Pool, Recipe
from nightschool.errors import ConfigurationError
from nightschool.ranking.pool import blend, candidate_pool, pool_users


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

    def pool(self, user_indices: Indices) -> Pool:
        """The candidates of a block of users, with each component's normalised scores."""
        scorers = [part.score for part in self._parts.values()]
        return pool_users(scorers, user_indices, self.known.history, self.known.available)

    def combine(self, pool: Pool) -> Float32s:
        """The weighted sum of the components' scores, float32 [n, width]; -inf where nothing is ranked."""
        weights = [component.weight for component in self.recipe.components]
        return blend(pool, np.array(weights, dtype=np.float32))

    def fold_in(self, history: csr_array) -> Float32s:
        """Scores, float32 [n_block, n_items], for histories [n_block, n_items]; -inf outside the pool.

        Raises:
            ConfigurationError: A component knows only the users that it was fitted on.
        """
        scores = []
        for name, part in self._parts.items():
            if not isinstance(part, FoldsIn):
                raise ConfigurationError(
                    "a component cannot fold in", seen=name, do="use a recipe of models that fold in"
                )
            scores.append(part.fold_in(history))
        return self._spread(candidate_pool(scores, history, self.known.available))

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
        return self._spread(self.pool(user_indices))

    def _spread(self, pool: Pool) -> Float32s:
        """The blended scores at their item index, float32 [n_block, n_items]."""
        scores = np.full((len(pool.items), len(self.known.item_ids)), -np.inf, dtype=np.float32)
        rows, places = np.nonzero(pool.items >= 0)
        scores[rows, pool.items[rows, places]] = self.combine(pool)[rows, places]
        return scores


def component_names(recipe: Recipe) -> list[str]:
    """One name a component: its model's, numbered from the second of the same model on (`ease`, `ease_2`)."""
    models = [component.model for component in recipe.components]
    counted = [models[: place + 1].count(model) for place, model in enumerate(models)]
    return [model if count == 1 else f"{model}_{count}" for model, count in zip(models, counted, strict=True)]
