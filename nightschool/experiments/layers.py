"""Layers: experiments of one layer share out its users; those of different layers must not set the same thing."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from nightschool.errors import Busy, Conflict
from nightschool.experiments.plan import Experiment, Plan

Ranges = tuple[tuple[float, float], ...]

_LEAST: Final = 1e-9
"""A part of a layer below which nothing is left: what rounding leaves."""


def free_ranges(plan: Plan, running: Iterable[Experiment]) -> Ranges:
    """Return the parts of the plan's layer that it takes, the first that are free.

    Raises:
        Busy: The layer has not enough users left.
    """
    others = [each for each in running if each.layer == plan.layer]
    taken = sorted(part for each in others for part in each.ranges)
    ends = [0.0, *(end for part in taken for end in part), 1.0]
    wanted, found = plan.share, []
    for start, end in [*pairwise(ends)][::2]:
        part = min(end - start, wanted)
        if part > _LEAST:
            found.append((start, end if wanted > end - start - _LEAST else start + part))
            wanted -= part
    if wanted > _LEAST:
        names = ", ".join(f"{each.name} ({each.share:.0%})" for each in others)
        do = "give a smaller share or another layer, or `nightschool experiment stop` one of them"
        raise Busy(f"the layer {plan.layer} has not enough users left", seen=names, do=do)
    return tuple(found)


def require_independent(plan: Plan, running: Iterable[Experiment]) -> None:
    """Check that no experiment of another layer sets what this plan sets, in the same lists.

    Raises:
        Conflict: One does; both would change the lists of the same users.
    """
    for each in running:
        both = sorted(settings_of(plan) & settings_of(each))
        if each.layer != plan.layer and both and _meet(plan.scenarios, each.scenarios):
            raise Conflict(
                "another layer's experiment sets the same",
                seen=f"{', '.join(both)}: set by {each.name}",
                do=f"run it in the layer {each.layer}, in other scenarios, or after {each.name}",
            )


def settings_of(plan: Plan) -> set[str]:
    """Return the names of what the arms of a plan set."""
    explores = {"explore"} if plan.explore else set[str]()
    return explores.union(*(arm.rules for arm in plan.arms), *({"alpha"} for arm in plan.arms if arm.alpha is not None))


def _meet(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Return whether both change the lists of one scenario; none named is all."""
    return not mine or not theirs or bool(set(mine) & set(theirs))
