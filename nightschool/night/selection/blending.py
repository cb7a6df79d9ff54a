"""Weights of a blend, learned on validation: components enter one by one, each only when it helps."""

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

_LEAST_GAIN = 0.003  # of the ndcg so far, which is worth fitting one more model for

_REFINED = 3  # components of which every weight is tried

_SCREENED_FROM = 4000  # rows from which on a quarter of the users is enough to see which components may help


def learn_blend(gains: Gains, users: Indices, components: Sequence[Component]) -> Recipe:
    """Learn a blend by forward selection on mean ndcg; return one component alone where no other improves it.

    Each step adds every other component to the blend at several weights, and takes the best when the paired difference
    exceeds its standard error and is worth a fit: greedy ensemble selection as in Caruana et al., "Ensemble selection
    from libraries of models", ICML 2004. Of the weights within one standard error of the best, the one nearest to an
    equal share is kept, as in Breiman et al., "Classification and Regression Trees", 1984: the best of many figures is
    partly luck, and an even blend is more stable. The caller tests whether the blend is better than a single model.

    Args:
        gains: The pool of all components, and its relevant items.
        users: The user of each row, int32 [n], who are the sampling units.
        components: The components, in the order of the pool.
    """
    singles = [_one(component, len(components)) for component in range(len(components))]
    weights = max(singles, key=lambda single: float(ndcg(gains, single).mean()))
    first = int(weights.argmax())
    screened = gains[users % 8 < 2] if len(users) >= _SCREENED_FROM else gains
    while not weights.all():
        coarse = [_tried(screened, weights, one, _COARSE) for one in np.flatnonzero(weights == 0).tolist()]
        coarse.sort(key=lambda one: -one.highest)
        best = max((_tried(gains, weights, one.component) for one in coarse[:_REFINED]), key=lambda one: one.highest)
        before = ndcg(gains, weights)
        gained = best.values[best.place] - before
        if not gained.mean() > max(_standard_error(gained, users), _LEAST_GAIN * before.mean()):
            break
        weights[best.component] = best.steady_weight(users)
        for component in np.flatnonzero(weights).tolist():
            if component != first:
                weights[component] = _tried(gains, weights, component).steady_weight(users)
    return _recipe(weights, components)


def cross_fitted(gains: Gains, users: Indices, components: Sequence[Component]) -> Float64s | None:
    """Return each row's ndcg of a blend whose weights were learned on the other half of the users, float64 [n].

    None where one half has no user.

    Args:
        gains: The pool of all components, and its relevant items.
        users: The user of each row, int32 [n]; the rows of a user are in one half.
        components: The components, in the order of the pool.
    """
    halves = users % 2 == 0  # users are indexed in the order of a hash
    if halves.all() or not halves.any():
        return None
    values = np.zeros(len(users))
    for half in (halves, ~halves):
        learned = {one.model: one.weight for one in learn_blend(gains[half], users[half], components).components}
        weights = np.array([learned.get(one.model, 0.0) for one in components], dtype=np.float32)
        values[~half] = ndcg(gains[~half], weights)
    return values


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
