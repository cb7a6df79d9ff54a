"""A recipe at work: the components' normalised scores, blended over a pool of candidates."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from models.base import Model
from models.fitted_state import Known
from nightschool.capabilities import FoldsIn
from nightschool.contract import Dataset, Float32s, Indices, Pool
from nightschool.errors import ConfigurationError
from nightschool.histories import Histories
from nightschool.ranking.candidates import blend, candidate_pool, pool_users
from nightschool.ranking.components import component_names
from nightschool.recipe import RERANKER, Recipe

if TYPE_CHECKING:
    from models.reranker.reranker import Reranker


class Hybrid(Model):
    """Ranks the candidate pool by Σ weight · score, each component's scores normalised per user.

    Scores are z-scores over a user's unseen available items; the pool is the union of each component's best of them,
    and everything outside it is ranked nowhere. A recipe of one component keeps that component's order. Where the
    recipe has a reranker, it reorders the best of the pool, and all else stays behind them.
    """

    name = "hybrid"
    config_type = Recipe
    learned = ()

    config: Recipe
    reranker: "Reranker | None"
    """Reorders the candidates; None where the recipe has none."""

    def __init__(self, recipe: Recipe, models: Sequence[Model], reranker: "Reranker | None" = None) -> None:
        super().__init__(recipe)
        if [model.name for model in models] != [component.model for component in recipe.components]:
            raise ConfigurationError(
                f"the recipe {recipe.name} names other models",
                seen=[model.name for model in models],
                do="build it again from its parts",
            )
        self._parts = dict(zip(component_names(recipe), models, strict=True))
        self.reranker = reranker

    @property
    def recipe(self) -> Recipe:
        """Names and numbers it was built from."""
        return self.config

    @property
    def parts(self) -> Mapping[str, Model]:
        """Catalogue name to fitted component, in the order of the recipe."""
        return self._parts

    @property
    def unexplained(self) -> frozenset[str]:
        """Names of the components whose list entries no item of a user's history explains."""
        return frozenset(name for name, part in self._parts.items() if not part.explains)

    def pool(self, user_indices: Indices) -> Pool:
        """Collect the candidates of a block of users, with each component's normalised scores."""
        scorers = [part.score for part in self._parts.values()]
        return pool_users(scorers, user_indices, self.known.history, self.known.available)

    def combine(self, pool: Pool, user_indices: Indices) -> Float32s:
        """Blend or rerank the candidates' scores, float32 [n, width]; -inf is never ranked.

        That is the weighted sum of the components' scores, or what a reranker makes of it.
        """
        blended = self._blend(pool)
        return blended if self.reranker is None else self.reranker.score(pool, blended, user_indices)

    def fold_in(self, histories: Histories) -> Float32s:
        """Score histories of n_block users, float32 [n_block, n_items]; -inf outside the pool.

        A reranker knows its own users only: others get the blend.

        Raises:
            ConfigurationError: A component knows only the users that it was fitted on.
        """
        scores = []
        for name, part in self._parts.items():
            if not isinstance(part, FoldsIn):
                raise ConfigurationError(
                    "a component cannot fold in", seen=name, do="use a recipe of models that fold in"
                )
            scores.append(part.fold_in(histories))
        pool = candidate_pool(scores, histories.scores, self.known.available)
        return self._spread(pool, self._blend(pool))

    def importances(self) -> Mapping[str, float]:
        """Map each feature of the reranker to its share of what its splits gained; empty without a reranker."""
        return {} if self.reranker is None else self.reranker.importances(list(self._parts))

    def forget(self, user_index: int) -> None:
        """Remove a user from the blend, from every component and from the reranker."""
        super().forget(user_index)
        if self.reranker is not None:
            self.reranker.forget(user_index)
        for part in self._parts.values():
            part.forget(user_index)

    def knowing(self, known: Known) -> Self:
        """Let the blend and its components know these users and items, and return self; what is learned stays."""
        self._known = known
        for part in self._parts.values():
            part._known = known
        return self

    def write(self, directory: Path) -> None:
        """Write the recipe, and each component and the reranker in a folder of its own."""
        super().write(directory)
        if self.reranker is not None:
            self.reranker.write(directory / RERANKER)
        for name, part in self._parts.items():
            part.write(directory / name)

    def read(self, directory: Path, known: Known) -> None:
        """Read what `write` wrote, for these ids and histories."""
        super().read(directory, known)
        if self.reranker is not None:
            self.reranker.read(directory / RERANKER)
        for name, part in self._parts.items():
            part.read(directory / name, known)

    def _learn(self, dataset: Dataset, seed: int) -> None:
        for part in self._parts.values():
            part.fit(dataset, seed=seed)
        self.note = "; ".join(f"{name}: {part.note}" for name, part in self._parts.items() if part.note) or None
        if self.reranker is not None:
            self.reranker.learn(dataset, list(self._parts), lambda rest: self._unranked().fit(rest, seed=seed), seed)

    def _unranked(self) -> "Hybrid":
        """Create an unfitted blend of the same components without the reranker."""
        recipe = self.recipe.model_copy(update={"reranker": None})
        return Hybrid(recipe, [type(part)(part.config) for part in self._parts.values()])

    def _score(self, user_indices: Indices) -> Float32s:
        pool = self.pool(user_indices)
        return self._spread(pool, self.combine(pool, user_indices))

    def _blend(self, pool: Pool) -> Float32s:
        """Sum the components' scores by weight, float32 [n, width]."""
        weights = [component.weight for component in self.recipe.components]
        return blend(pool, np.array(weights, dtype=np.float32))

    def _spread(self, pool: Pool, combined: Float32s) -> Float32s:
        """Place the candidates' scores at their item index, float32 [n_block, n_items]."""
        scores = np.full((len(pool.items), len(self.known.item_ids)), -np.inf, dtype=np.float32)
        rows, places = np.nonzero(pool.items >= 0)
        scores[rows, pool.items[rows, places]] = combined[rows, places]
        return scores
