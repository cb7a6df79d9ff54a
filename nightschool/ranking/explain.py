"""The history item that moved each item of a list most: the score falls furthest if the user had not liked it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nightschool.capabilities import Contributes, FoldsIn, WeighsItems
from nightschool.contract import Float32s, Indices
from nightschool.errors import ConfigurationError
from nightschool.histories import Histories
from nightschool.ranking.foldin import ItemWeights

# numba compiles the kernels by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_FOLDED = 8  # likes of a user that are left out one by one where only folding in again tells what they add


class Reasons(NamedTuple):
    """Why items are in the lists of some users.

    Attributes:
        because: int32 [n, k], the history item that adds most to the score; -1 where none adds anything.
        component: int8 [n, k], the component to whose score it adds most; -1 likewise.
    """

    because: Indices
    component: NDArray[np.int8]


def can_explain(model: object) -> bool:
    """Return whether `contributions_of` a model can be computed: whether it scores any history."""
    return isinstance(model, WeighsItems | FoldsIn)


def contributions_of(model: object, histories: Histories, items: Indices) -> Float32s:
    """Return what each like adds to a model's scores of listed items.

    That is how far the score falls if the item had been seen and not liked. Where a model neither sums weights nor has
    a form of its own, the eight newest likes are left out one by one.

    Args:
        model: A fitted recommender.
        histories: Histories of n users.
        items: int32 [n, k], their lists; -1 is padding.

    Returns:
        float32 [n_likes, k], a row for each score above zero of the histories, in their order.

    Raises:
        ConfigurationError: The model scores only the users that it was fitted on.
    """
    if isinstance(model, Contributes):
        return model.contributions(histories, items)
    if isinstance(model, WeighsItems):
        return weighted(ItemWeights.of(model), histories, items)
    if isinstance(model, FoldsIn):
        return _by_leaving_out(model, histories, items)
    raise ConfigurationError(
        "this model cannot tell what a like adds", seen=type(model).__name__, do="ask models that fold in"
    )


def weighted(weights: ItemWeights, histories: Histories, items: Indices) -> Float32s:
    """Return what each like adds to a sum of item weights; shapes as in `contributions_of`."""
    strengths, matrix = weights.strengths(histories), weights.matrix
    found = np.zeros((strengths.nnz, items.shape[1]), dtype=np.float32)
    likes = strengths.indptr, strengths.indices, strengths.data
    _weigh(items, likes, (matrix.indptr, matrix.indices, matrix.data), matrix.shape[1], found)
    return found


def strongest_reasons(
    items: Indices, histories: Histories, contributions: Sequence[Float32s], scales: Float32s
) -> Reasons:
    """Find the like that adds most to each listed item; ties go to the lowest index.

    Args:
        items: int32 [n, k], the lists; -1 is padding.
        histories: The histories of the same users.
        contributions: From `contributions_of`, one a component.
        scales: float32 [n_components, n], what a component's score of a user counts in the blended one.
    """
    reasons = Reasons(np.full(items.shape, -1, dtype=np.int32), np.full(items.shape, -1, dtype=np.int8))
    if contributions:
        likes = histories.likes
        _find_strongest(items, (likes.indptr, likes.indices), np.stack(contributions), scales, reasons)
    return reasons


def _by_leaving_out(model: FoldsIn, histories: Histories, items: Indices) -> Float32s:
    likes = np.flatnonzero(histories.scores.data > 0)
    rows = np.repeat(np.arange(len(items), dtype=np.int32), np.diff(histories.scores.indptr))[likes]
    found = np.zeros((len(likes), items.shape[1]), dtype=np.float32)
    tried = _newest(rows, None if histories.places is None else histories.places[likes])
    listed = np.maximum(items, 0)
    whole = np.take_along_axis(model.fold_in(histories), listed, axis=1)
    for start in range(0, len(tried), max(len(items), 1)):
        some = tried[start : start + len(items)]
        one_less = histories[rows[some]]
        own = likes[some] - histories.scores.indptr[rows[some]]
        one_less.scores.data[one_less.scores.indptr[:-1] + own] = 0
        scores = np.take_along_axis(model.fold_in(one_less), listed[rows[some]], axis=1)
        found[some] = whole[rows[some]] - scores
    return found


def _newest(rows: Indices, places: Indices | None) -> NDArray[np.int64]:
    """Return which likes are among the newest of their user; without an order, the first."""
    order = np.arange(len(rows)) if places is None else np.lexsort((places, rows))
    first = np.searchsorted(rows[order], rows[order])
    kept: NDArray[np.int64] = np.sort(order[np.arange(len(rows)) - first < _FOLDED])
    return kept


@njit(nogil=True, cache=True)
def _weigh(items, likes, weights, n_items, found):
    """Fill `found` with strength · weight of each like and listed item."""
    starts, liked, strengths = likes
    weight_starts, neighbours, values = weights
    place_of = np.full(n_items, -1, dtype=np.int32)
    for row in range(items.shape[0]):
        for place in range(items.shape[1]):
            if items[row, place] >= 0:
                place_of[items[row, place]] = place
        for entry in range(starts[row], starts[row + 1]):
            for neighbour in range(weight_starts[liked[entry]], weight_starts[liked[entry] + 1]):
                place = place_of[neighbours[neighbour]]
                if place >= 0:
                    found[entry, place] = strengths[entry] * values[neighbour]
        for place in range(items.shape[1]):
            if items[row, place] >= 0:
                place_of[items[row, place]] = -1


@njit(nogil=True, cache=True)
def _find_strongest(items, likes, contributions, scales, reasons):
    """Fill `reasons`."""
    starts, liked = likes
    total, strongest = np.empty(items.shape[1], dtype=np.float32), np.empty(items.shape[1], dtype=np.float32)
    found = np.empty(items.shape[1], dtype=np.int64)
    for row in range(items.shape[0]):
        strongest[:], found[:] = 0, -1
        for entry in range(starts[row], starts[row + 1]):
            total[:] = 0
            for component in range(len(contributions)):
                scale, parts = scales[component, row], contributions[component, entry]
                for place in range(len(total)):
                    total[place] += scale * parts[place]
            for place in range(len(total)):
                if total[place] > strongest[place]:
                    strongest[place], found[place] = total[place], entry
        for place in range(len(found)):
            if found[place] >= 0 and items[row, place] >= 0:
                reasons.because[row, place] = liked[found[place]]
                reasons.component[row, place] = (scales[:, row] * contributions[:, found[place], place]).argmax()
