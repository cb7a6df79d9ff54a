"""Weights of a blend, learned on validation: the mean of what bags of users select, component by component."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightschool.contract import Indices
from nightschool.evaluation.gains import Gains
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.pooled import pool_differences
from nightschool.recipe import Component, Recipe

Weights = NDArray[np.float32]

_WEIGHTS = (-0.2, -0.1, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.4, 2.0)
"""Weights that are tried of a component, relative to the first one, whose weight is one."""

_COARSE = (-0.1, 0.1, 0.4, 1.0)
"""Weights at which every component is tried first."""

_LEAST_GAIN = 0.003  # of the ndcg, which is worth fitting one more model for

_REFINED = 2  # components of which every weight is tried

_BAGS = 3  # of each half of the users
_BAG = 0.7  # of a half's rows that a bag holds
_MOST_ROWS_OF_A_BAG = 1500


class Blend(NamedTuple):
    """A learned blend.

    Attributes:
        recipe: Its components and weights; one component alone where no other improves it.
        judged: float64 [n], each row's ndcg with weights that were learned on the other half of the users; None where
            one half has no user.
    """

    recipe: Recipe
    judged: Float64s | None


def learn_blend(gains: Gains, users: Indices, components: Sequence[Component]) -> Blend:
    """Learn a blend as the mean of blends that were learned on bags of rows.

    One forward selection follows the luck of its users: it stops early, or takes what happened to help them. The mean
    over several does not: bagging as in Breiman, "Bagging predictors", Machine Learning 24, 1996, of greedy ensemble
    selection, as in Caruana et al., "Ensemble selection from libraries of models", ICML 2004. Half of the bags hold
    users of either half: weights of the one half are judged on the other. The caller tests whether the blend is
    better than a single model.

    Args:
        gains: The pool of all components, and its relevant items.
        users: The user of each row, int32 [n], who are the sampling units; the rows of a user are in one half.
        components: The components, in the order of the pool.
    """
    drawn = np.random.default_rng(0)
    halves = users % 2 == 0  # users are indexed in the order of a hash
    if halves.all() or not halves.any():
        return Blend(_recipe(_worthwhile(gains, _learn(gains, users, drawn)), components), None)
    sums, judged = [], np.zeros(len(users))
    for half in (halves, ~halves):
        sums.append(_learn(gains[half], users[half], drawn))
        judged[~half] = ndcg(gains[~half], _worthwhile(gains[half], sums[-1]))
    return Blend(_recipe(_worthwhile(gains, sums[0] + sums[1]), components), judged)


def _learn(gains: Gains, users: Indices, drawn: np.random.Generator) -> Weights:
    """Add up the weights of bags, each bag's with a sum of one, float32 [n_components]."""
    total = np.zeros(len(gains.pool.scores), dtype=np.float32)
    n = len(users)
    size = min(max(int(_BAG * n), 1), _MOST_ROWS_OF_A_BAG)
    for _ in range(_BAGS):
        rows = np.zeros(n, dtype=bool)
        rows[drawn.choice(n, size, replace=False)] = True
        weights = _select(gains[rows], users[rows])
        total += weights / np.abs(weights).sum()
    return total


def _worthwhile(gains: Gains, total: Weights) -> Weights:
    """Scale weights so that the largest is one, and drop components, the lightest first, that are not worth a fit."""
    weights: Weights = total / total.max()
    for component in np.argsort(np.abs(weights), kind="stable").tolist():
        without = weights.copy()
        without[component] = 0
        if not without.any():
            break
        have = float(ndcg(gains, weights).mean())
        if have - float(ndcg(gains, without).mean()) <= _LEAST_GAIN * have:
            weights = without
    return weights


def _select(gains: Gains, users: Indices) -> Weights:
    """Select components forward on mean ndcg: each step takes the best at its best weight, while it gains enough.

    Of the weights within one standard error of the best, the one nearest to an equal share is kept, as in Breiman et
    al., "Classification and Regression Trees", 1984: an even blend is more stable.
    """
    singles = [_one(component, len(gains.pool.scores)) for component in range(len(gains.pool.scores))]
    weights = max(singles, key=lambda single: float(ndcg(gains, single).mean()))
    while not weights.all():
        coarse = [_tried(gains, weights, one, _COARSE) for one in np.flatnonzero(weights == 0).tolist()]
        coarse.sort(key=lambda one: -one.highest)
        best = max((_tried(gains, weights, one.component) for one in coarse[:_REFINED]), key=lambda one: one.highest)
        before = float(ndcg(gains, weights).mean())
        if not best.highest - before > _LEAST_GAIN * before:
            break
        weights[best.component] = best.steady_weight(users)
    return weights


class _Tried(NamedTuple):
    """A component and, for each weight that was tried, every user's ndcg: float64 [n_weights, n]."""

    component: int
    values: Float64s

    @property
    def place(self) -> int:
        """Return the position of the best weight."""
        return int(self.values.mean(axis=1).argmax())

    @property
    def highest(self) -> float:
        """Return the mean ndcg of the best weight."""
        return float(self.values[self.place].mean())

    def steady_weight(self, users: Indices) -> float:
        """Return the weight nearest to one among those within one standard error of the best."""
        behind = self.values[self.place] - self.values
        close = [place for place, one in enumerate(behind) if one.mean() <= _standard_error(one, users)]
        return min((_WEIGHTS[place] for place in close), key=lambda weight: abs(weight - 1))


def _standard_error(values: Float64s, users: Indices) -> float:
    """Return the standard error of the mean of rows, with users as the sampling units; zero for one user."""
    error = pool_differences([users], [values]).standard_error
    return error if np.isfinite(error) else 0.0


def _tried(gains: Gains, weights: Weights, component: int, at: Sequence[float] = _WEIGHTS) -> _Tried:
    """Measure the blend with the component at each weight, the other weights unchanged."""
    others = weights.copy()
    others[component] = 0
    so_far, bits = _sum(gains, others), _bits(others) | 1 << component
    return _Tried(component, np.stack([gains.ndcg(so_far, component, weight, bits) for weight in at]))


def ndcg(gains: Gains, weights: Weights) -> Float64s:
    """Return each user's ndcg of the blend with these weights, float64 [n]."""
    last = int(np.flatnonzero(weights)[-1])
    others = weights.copy()
    others[last] = 0
    return gains.ndcg(_sum(gains, others), last, float(weights[last]), _bits(weights))


def _one(component: int, n_components: int) -> Weights:
    weights = np.zeros(n_components, dtype=np.float32)
    weights[component] = 1
    return weights


def _sum(gains: Gains, weights: Weights) -> NDArray[np.float32]:
    total = np.zeros(gains.pool.items.shape, dtype=np.float32)
    for component in np.flatnonzero(weights):
        total += weights[component] * gains.pool.scores[component]
    return total


def _bits(weights: Weights) -> int:
    return sum(1 << int(component) for component in np.flatnonzero(weights))


def _recipe(weights: Weights, components: Sequence[Component]) -> Recipe:
    chosen = np.flatnonzero(weights)
    # The largest comes first: it names the blend and explains it.
    order = chosen[np.argsort(-weights[chosen], kind="stable")]
    parts = [(components[int(place)], float(f"{weights[place]:.3g}")) for place in order]
    return Recipe(components=tuple(part.model_copy(update={"weight": weight}) for part, weight in parts))
