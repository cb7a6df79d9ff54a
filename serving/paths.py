"""Learning paths of users: from what they have completed to an item or a skill."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from nightschool.contract import Mask
from nightschool.errors import NotFound
from nightschool.ranking.path_steps import BUILDS_SKILL, GOAL, LEVEL, PREREQUISITE, TAKEN_NEXT, Step, explain_steps
from nightschool.ranking.paths import Block, Curriculum, path_to_item, path_to_skill, skills_of
from serving.schemas.paths import LearningPath, PathGoal, PathStep
from serving.snapshot import Snapshot
from serving.user_state import UserState

LENGTH: Final = 10
LONGEST: Final = 100

_WORDS: Final = {
    GOAL: "the goal",
    PREREQUISITE: "prerequisite of {other}",
    TAKEN_NEXT: "taken soon after {other} by {share:.0%}",
    BUILDS_SKILL: "builds a skill of {other}",
    LEVEL: "leads up to {other}",
}
_BLOCKED: Final = {
    "unavailable": "{item} can no longer be taken.",
    "prerequisite_unavailable": "{goal} needs {item}, which can no longer be taken.",
    "prerequisite_cycle": "The prerequisites of {goal} lead back to {item}, so that none of them can come first.",
    "level_gap": "{item} is {level}, and no available item leads up to it.",
}


class _Goal(NamedTuple):
    """What a path shall lead to: the position of an item or of a skill, -1 for the other one, and its name in words."""

    item: int
    skill: int
    name: str


def learning_path(
    snapshot: Snapshot, user: UserState, goal: str, length: int = LENGTH, banned: Collection[str] = ()
) -> LearningPath:
    """Plan the steps from what a user has completed to a goal.

    Args:
        snapshot: The release.
        user: Whose history; items with a positive score are completed.
        goal: The id of an item, or a skill as the catalogue writes it.
        length: The most steps to return.
        banned: Ids of items that can no longer be taken, as texts.

    Raises:
        NotFound: The catalogue has no such item or skill.
    """
    target = _target(snapshot, goal)
    curriculum, names = snapshot.curriculum, snapshot.catalogue.skill_names
    if banned:
        curriculum = replace(curriculum, available=snapshot.offered(banned))
    done = np.zeros(len(snapshot.catalogue), dtype=bool)
    done[user.completed()] = True
    wanted = _skills_of_goal(snapshot, target)
    gap = wanted & ~skills_of(curriculum, done)
    found = _find(curriculum, done, target)
    steps = [] if isinstance(found, Block) else explain_steps(curriculum, done, found, wanted)
    return LearningPath(
        release_id=snapshot.release.release_id,
        user_id=user.user_id,
        known=bool(user.current) or snapshot.knows(user.user_id) or snapshot.attributes(user.user_id) is not None,
        completed=int(done.sum()),
        goal=_goal(snapshot, target, steps),
        needed=None if isinstance(found, Block) else len(steps),
        steps=[_step(snapshot, target, place, step) for place, step in enumerate(steps[:length], start=1)],
        skill_gap=[names[place] for place in np.flatnonzero(gap).tolist()],
        unmatched=_unmatched(snapshot, target, steps),
        **_outcome(snapshot, target, found, length),
    )


def _target(snapshot: Snapshot, goal: str) -> _Goal:
    catalogue = snapshot.catalogue
    item_id = snapshot.item_id(goal)
    place = None if item_id is None else catalogue.position(item_id)
    if place is not None:
        return _Goal(place, -1, _named(snapshot, place))
    if goal in catalogue.skill_names:
        return _Goal(-1, catalogue.skill_names.index(goal), repr(goal))
    do = "give the id of an item, or a skill as the catalogue writes it"
    raise NotFound("no such item or skill", seen=goal[:100], do=do)


def _skills_of_goal(snapshot: Snapshot, target: _Goal) -> Mask:
    """Return the skills of a goal, bool [n_skills]."""
    curriculum = snapshot.curriculum
    if target.item >= 0:
        return skills_of(curriculum, np.arange(len(curriculum.levels)) == target.item)
    mask: Mask = np.arange(len(snapshot.catalogue.skill_names)) == target.skill
    return mask


def _find(curriculum: Curriculum, done: Mask, target: _Goal) -> list[int] | Block:
    """Return the items of a path, none where the goal is completed, or why there is no path."""
    if target.item >= 0:
        return [] if done[target.item] else path_to_item(curriculum, done, target.item)
    return [] if skills_of(curriculum, done)[target.skill] else path_to_skill(curriculum, done, target.skill)


def _goal(snapshot: Snapshot, target: _Goal, steps: Sequence[Step]) -> PathGoal:
    catalogue = snapshot.catalogue
    if target.item >= 0:
        return PathGoal(kind="item", item=catalogue.item(catalogue.ids[target.item]))
    last = catalogue.item(catalogue.ids[steps[-1].item]) if steps else None
    return PathGoal(kind="skill", item=last, skill=catalogue.skill_names[target.skill])


def _outcome(snapshot: Snapshot, target: _Goal, found: list[int] | Block, length: int) -> dict[str, Any]:
    """Return the outcome, and its message."""
    if isinstance(found, Block):
        item = _named(snapshot, found.item) if found.item >= 0 else f"What builds {target.name}"
        level = snapshot.catalogue.describe(snapshot.catalogue.ids[found.item])["difficulty"]
        message = _BLOCKED[found.reason].format(item=item, goal=target.name, level=level)
        return {"outcome": found.reason, "message": message}
    if not found:
        return {"outcome": "completed", "message": f"Nothing is left to do for {target.name}: it is completed."}
    steps = f"{len(found)} step{'s lead' if len(found) > 1 else ' leads'} to {target.name}"
    if len(found) > length:
        return {"outcome": "longer", "message": f"{steps}; these are the first {length}."}
    return {"outcome": "path", "message": f"{steps}."}


def _step(snapshot: Snapshot, target: _Goal, place: int, step: Step) -> PathStep:
    ids, names = snapshot.catalogue.ids, snapshot.catalogue.skill_names
    builds_it = step.reason == GOAL and target.skill >= 0
    reason = BUILDS_SKILL if builds_it else step.reason
    other = _named(snapshot, step.because) if step.because >= 0 else target.name
    return PathStep(
        **snapshot.catalogue.describe(ids[step.item]),
        step=place,
        reason=reason,
        because_item_id=ids[step.because] if step.because >= 0 else None,
        share=round(step.share, 6) if reason == TAKEN_NEXT else None,
        why=f"builds {target.name}" if builds_it else _WORDS[reason].format(other=other, share=step.share),
        builds=[names[skill] for skill in step.skills],
    )


def _unmatched(snapshot: Snapshot, target: _Goal, steps: Sequence[Step]) -> list[str]:
    """Return what the items of a path, or its goal, name as prerequisites and no item matches."""
    items = [step.item for step in steps] or ([target.item] if target.item >= 0 else [])
    named = (snapshot.catalogue.unmatched.get(snapshot.catalogue.ids[item], []) for item in items)
    return list(dict.fromkeys(text for texts in named for text in texts))


def _named(snapshot: Snapshot, place: int) -> str:
    item_id = snapshot.catalogue.ids[place]
    return str(snapshot.catalogue.describe(item_id)["title"]).strip() or str(item_id)
