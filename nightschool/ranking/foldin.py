"""Scores of any history under item-to-item weights, for users a model never saw."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from nightschool.capabilities import FadesByPlace, WeighsItems
from nightschool.contract import Float32s
from nightschool.errors import ConfigurationError
from nightschool.histories import Histories, only
from nightschool.ranking.blocks import in_blocks
from nightschool.vocabulary import CONTENT

_ROWS_A_BLOCK = 64


@dataclass(frozen=True, eq=False)
class ItemWeights:
    """Item-to-item weights, and how a history's items fade: score(u, j) = Σ_i strength(u, i) · matrix[i, j].

    Attributes:
        matrix: CSR float32 [n_items of the history, n_items to recommend].
        recency: Places in a history over which an item's strength falls to 1/e; None: all liked items count the same.
    """

    matrix: csr_array
    recency: float | None = None

    @classmethod
    def of(cls, model: WeighsItems) -> Self:
        """Return a model's weights as it scores by them."""
        return cls(model.item_weights(), model.recency if isinstance(model, FadesByPlace) else None)

    def strengths(self, histories: Histories) -> csr_array:
        """Return what each liked item of a history counts, CSR float32 [n, n_items].

        Raises:
            ConfigurationError: The weights fade, and the histories have no order.
        """
        return histories.likes if self.recency is None else faded(histories, self.recency)

    def score(self, histories: Histories) -> Float32s:
        """Score histories of scores or of ones, float32 [n, n_items].

        Raises:
            ConfigurationError: The weights fade, and the histories have no order.
        """
        return fold_in(self.strengths(histories), self.matrix)


def stand_in_order(weights: Mapping[str, ItemWeights], components: Iterable[str]) -> list[str]:
    """Sort components with weights: the first ones explain what components without any recommend.

    Those that do not fade come first and content last, each in the order of the recipe.

    Args:
        weights: Component to weights.
        components: All components in the order of the recipe.
    """
    places = {name: place for place, name in enumerate(components)}
    fades = {name: each.recency is not None for name, each in weights.items()}
    return sorted(weights, key=lambda name: (name == CONTENT, fades[name], places.get(name, len(places))))


def fold_in(history: csr_array, weights: csr_array) -> Float32s:
    """Sum the history's weights, float32 [n, n_items]: score(u, j) = Σ_i history[u, i] · weights[i, j].

    A row's sum runs over its own history only, so one user's scores are the same bits alone and in any block.

    Args:
        history: CSR float32 [n, n_items].
        weights: CSR float32 [n_items of the history, n_items to recommend].
    """
    scores = np.zeros((history.shape[0], weights.shape[1]), dtype=np.float32)
    _add_weights(
        (history.indptr, history.indices, history.data), (weights.indptr, weights.indices, weights.data), scores
    )
    return scores


def fold_in_on_all_cores(history: csr_array, weights: csr_array) -> Float32s:
    """Return what `fold_in` returns, the same bits, on all cores; not for use within another thread."""
    rows = np.arange(history.shape[0], dtype=np.int32)
    return np.concatenate([*in_blocks(lambda block: fold_in(history[block], weights), rows, _ROWS_A_BLOCK)])


@njit(nogil=True, cache=True)
def _add_weights(history, weights, scores):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Add to `scores`."""
    starts, items, values = history
    weight_starts, neighbours, strengths = weights
    for row in range(scores.shape[0]):
        sums = scores[row]
        for entry in range(starts[row], starts[row + 1]):
            value = values[entry]
            weights_of_item = slice(weight_starts[items[entry]], weight_starts[items[entry] + 1])
            targets, weights_to_add = neighbours[weights_of_item], strengths[weights_of_item]
            for place in range(len(targets)):
                sums[targets[place]] += value * weights_to_add[place]


def faded(histories: Histories, recency: float) -> csr_array:
    """Return exp(−place / recency) where a history's score is above zero, CSR float32 of the same shape.

    Raises:
        ConfigurationError: The histories have no order.
    """
    if histories.places is None:
        raise ConfigurationError(
            "these weights need the order of a history", seen="histories without places", do="give their places"
        )
    liked = histories.scores.data > 0
    return only(liked, np.exp(histories.places[liked] / np.float32(-recency)), histories.scores)
