"""Weights of a blend, learned on validation: components enter one by one, each only when shown to help."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nightschool.contract import Component, Recipe
from nightschool.evaluation.gains import Gains
from nightschool.evaluation.intervals import mean_intervals
from nightschool.evaluation.metrics import Float64s

Weights = NDArray[np.float32]

_FIRST_WEIGHTS = (-0.2, -0.1, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5)
"""What a component is tried with when it enters, beside a first component of weight one."""
_FACTORS = (0.5, 0.7, 0.85, 1.2, 1.5, 2.0)
"""What a weight is then multiplied by, as long as that helps."""


def learn_blend(gains: Gains, components: Sequence[Component]) -> Recipe:
    """The blend of the highest mean ndcg that forward selection finds; one component alone where none helps it.

    Each step tries every other component at several weights beside the blend so far, refines all weights by
    coordinate ascent, and is taken when the interval of the paired difference lies above zero: greedy ensemble
    selection as in Caruana et al., "Ensemble selection from libraries of models", ICML 2004, with an interval to stop.

    Args:
        gains: The pool of all components, and what is relevant in it.
        components: The components, in the order of the pool.
    """
    singles = [_one(component, len(components)) for component in range(len(components))]
    weights = max(singles, key=lambda single: float(ndcg(gains, single).mean()))
    values = ndcg(gains, weights)
    while True:
        longer = _with_one_more(gains, weights)
        if longer is None:
            break
        refined = _refine(gains, longer)
        found = ndcg(gains, refined)
        if not mean_intervals((found - values)[:, None]).low[0] > 0:
            break
        weights, values = refined, found
    return _recipe(weights, components)


def ndcg(gains: Gains, weights: Weights) -> Float64s:
    """Each user's ndcg, float64 [n], of the blend with these weights."""
    last = int(np.flatnonzero(weights)[-1])
    others = weights.copy()
    others[last] = 0
    return gains.ndcg(_sum(gains, others), last, float(weights[last]), _bits(weights))


def _with_one_more(gains: Gains, weights: Weights) -> Weights | None:
    """The weights with that of the best further component; None where there is no other."""
    so_far = _sum(gains, weights)
    tried: list[tuple[float, int, float]] = []
    for component in np.flatnonzero(weights == 0).tolist():
        bits = _bits(weights) | 1 << component
        means = [float(gains.ndcg(so_far, component, weight, bits).mean()) for weight in _FIRST_WEIGHTS]
        tried += [(mean, component, weight) for mean, weight in zip(means, _FIRST_WEIGHTS, strict=True)]
    if not tried:
        return None
    _, best, weight = max(tried, key=lambda one: one[0])
    longer = weights.copy()
    longer[best] = weight
    return longer


def _refine(gains: Gains, weights: Weights) -> Weights:
    """The weights after coordinate ascent; the largest component keeps its own, since only ratios matter."""
    best = float(ndcg(gains, weights).mean())
    free = [component for component in np.flatnonzero(weights) if component != np.abs(weights).argmax()]
    improved = True
    while improved:
        improved = False
        for component in free:
            others = weights.copy()
            others[component] = 0
            so_far, bits = _sum(gains, others), _bits(weights)
            for factor in _FACTORS:
                weight = float(np.float32(f"{weights[component] * factor:.3g}"))
                value = float(gains.ndcg(so_far, int(component), weight, bits).mean())
                if value > best:
                    best, improved = value, True
                    weights = others.copy()
                    weights[component] = weight
    return weights


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
