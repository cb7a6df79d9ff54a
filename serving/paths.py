"""Learning paths of users: from what they have completed to an item or a skill."""

from typing import Final, NamedTuple

import numpy as np

from nightschool.contract import Mask
from nightschool.errors import NotFound
from nightschool.ranking.paths import (
    BUILDS_SKILL,
    GOAL,
    LEVEL,
    PREREQUISITE,
    TAKEN_NEXT,
    UNAVAILABLE,
    Block,
    Step,
    explain_steps,
    path_to_item,
    path_to_skill,
    skills_of,
)
from serving.schemas.paths import LearningPath, PathGoal, PathStep
from serving.snapshot import Snapshot
from serving.user_state import UserState

LENGTH: Final = 10
LONGEST: Final = 100

_BLOCKED: Final = {
    UNAVAILABLE: "{item} can no longer be taken.",
    "prerequisite_unavailable": "{goal} needs {item}, which can no longer be taken.",
    "prerequisite_cycle": "The prerequisites of {goal} lead back to {item}, so that none of them can come first.",
    "level_gap": "{item} is {level}, and no available item leads up to it.",
}


class _Goal(NamedTuple):
    """What a path shall lead to: an item's position, or a skill's; -1 for the other one."""

    item: int
    skill: int
    name: str


def learning_path(snapshot: Snapshot, user: UserState, goal: str, length: int = LENGTH) -> LearningPath:
    """Plan the steps from what a user has completed to a goal.

    Args:
        snapshot: The release.
        user: Whose history; items with a positive score are completed.
        goal: The id of an item, or a skill as the catalogue writes it.
        length: The most steps to return.

    Raises:
        NotFound: The catalogue has no such item or skill.
    """
    target = _target(snapshot, goal)
    done = np.zeros(len(snapshot.catalogue), dtype=bool)
    done[user.completed()] = True
    wanted = _wanted(snapshot, target)
    gap = wanted & ~skills_of(snapshot.curriculum, done)
    names = snapshot.catalogue.skill_names
    known = bool(user.current) or snapshot.knows(user.user_id) or snapshot.attributes(user.user_id) is not None
    answer = LearningPath(
        release_id=snapshot.release.release_id,
        user_id=user.user_id,
        known=known,
        completed=int(done.sum()),
        goal=PathGoal(kind="item" if target.item >= 0 else "skill", skill=None if target.item >= 0 else target.name),
        outcome="completed",
        message=f"{target.name} is completed already.",
        needed=0,
        skill_gap=[names[place] for place in np.flatnonzero(gap)],
    )
    if target.item >= 0:
        answer = answer.model_copy(update={"goal": _goal(snapshot, answer.goal, target.item)})
        if done[target.item]:
            return answer
        found = path_to_item(snapshot.curriculum, done, target.item)
    else:
        if not gap.any():
            return answer
        found = path_to_skill(snapshot.curriculum, done, target.skill)
    if isinstance(found, Block):
        return answer.model_copy(update=_blocked(snapshot, target, found))
    return answer.model_copy(update=_planned(snapshot, target, explain_steps(snapshot.curriculum, done, found, wanted), length))
