"""Steps of a learning path: its items, each with the reason for which it is there."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from nightschool.contract import Mask
from nightschool.ranking.paths import Curriculum, places, skills_of


class Step(NamedTuple):
    """One item of a path, and why it is in it.

    Attributes:
        item: The item.
        reason: A code: goal, prerequisite, taken_next, builds_skill or level.
        because: The item that the reason names; -1 where it names none.
        share: The share of those who took `because` and took this item next; 0 for other reasons.
        skills: The skills that it builds and nothing before it does.
    """

    item: int
    reason: str
    because: int
    share: float
    skills: tuple[int, ...]


GOAL: Final = "goal"
PREREQUISITE: Final = "prerequisite"
TAKEN_NEXT: Final = "taken_next"
BUILDS_SKILL: Final = "builds_skill"
LEVEL: Final = "level"


def explain_steps(curriculum: Curriculum, done: Mask, items: Sequence[int], wanted: Mask) -> list[Step]:
    """Return the items of a path as steps, each with its reason; the last one is the goal.

    A prerequisite names the first later item that declares it, a transition the earlier one with the largest share.

    Args:
        curriculum: Prerequisites, levels, transitions and skills.
        done: bool [n_items], the items that the user has completed.
        items: The path.
        wanted: bool [n_skills], the skills of the goal.
    """
    done = done.copy()
    built = skills_of(curriculum, done)
    needing = {each: item for item in reversed(items) for each in curriculum.direct(item)}
    steps = []
    for place, item in enumerate(items):
        own = curriculum.skills[[item]].toarray().ravel()
        reason, because, share = _reason(curriculum, items, place, done, needing)
        if reason == LEVEL and np.any(own & wanted):
            reason, because = BUILDS_SKILL, items[-1]
        steps.append(Step(item, reason, because, share, tuple(np.flatnonzero(own & ~built).tolist())))
        built |= own
        done[item] = True
    return steps


def _reason(
    curriculum: Curriculum, items: Sequence[int], place: int, done: Mask, needing: Mapping[int, int]
) -> tuple[str, int, float]:
    """Return the reason of a step, the item that it names, and the share of the transition."""
    item, later = items[place], items[place + 1 :]
    if not later:
        return GOAL, -1, 0.0
    if item in needing:
        return PREREQUISITE, needing[item], 0.0
    before = places(done)
    shares = curriculum.follows[:, [item]].toarray().ravel()[before]
    if len(before) and shares.max() > 0:
        return TAKEN_NEXT, int(before[shares.argmax()]), float(shares.max())
    return LEVEL, later[0], 0.0
