"""Learning paths, as the API answers them."""

from typing import Literal

from pydantic import Field

from serving.schemas.common import (
    EXAMPLE_ITEM,
    EXAMPLE_RELEASE,
    OTHER_EXAMPLE_ITEM,
    Answer,
    ExternalId,
    Item,
    example,
)

Outcome = Literal[
    "path", "longer", "completed", "unavailable", "prerequisite_unavailable", "prerequisite_cycle", "level_gap"
]


class PathGoal(Answer):
    """What a path leads to.

    Attributes:
        kind: Whether it is an item or a skill; an id of an item is an item, also where a skill has the same name.
        item: The item, or the one by which the skill is built; None where no item can be reached.
        skill: The skill; None for an item.
    """

    kind: Literal["item", "skill"]
    item: Item | None = None
    skill: str | None = None


class PathStep(Item):
    """One item of a path.

    Attributes:
        step: Its place, from 1.
        reason: A code: goal, prerequisite, taken_next, builds_skill, level.
        because_item_id: The item that needs it, that it is taken after, or that it leads up to.
        share: The share of those who took that item and took this one soon after; None for other reasons.
        why: The reason in words.
        builds: The skills that it builds and nothing completed or before it does.
    """

    step: int
    reason: str
    because_item_id: ExternalId | None = None
    share: float | None = None
    why: str
    builds: list[str] = Field(default=[])


class LearningPath(Answer):
    """The items between what a user has completed and a goal, in their order.

    Attributes:
        known: Whether the release or an event names the user; for others, a path starts from nothing.
        completed: Items of the user's history with a positive score, which count as completed.
        outcome: path; longer (more steps than asked for, of which these are the first); completed (no step is left); or
            why the goal cannot be reached.
        message: The outcome in words.
        needed: How many steps lead to the goal; None where it cannot be reached.
        skill_gap: The skills of the goal that no completed item builds.
        unmatched: What items of the path name as prerequisites and no item matches; it is not guessed.
    """

    model_config = example(
        release_id=EXAMPLE_RELEASE,
        user_id=14,
        known=True,
        completed=3,
        goal={"kind": "item", "item": OTHER_EXAMPLE_ITEM, "skill": None},
        outcome="path",
        message="2 steps lead to Statistics in Practice.",
        needed=2,
        steps=[
            {
                **EXAMPLE_ITEM,
                "step": 1,
                "reason": "prerequisite",
                "because_item_id": 648,
                "share": None,
                "why": "Statistics in Practice needs it",
                "builds": ["statistics"],
            },
            {
                **OTHER_EXAMPLE_ITEM,
                "step": 2,
                "reason": "goal",
                "because_item_id": None,
                "share": None,
                "why": "the goal",
                "builds": [],
            },
        ],
        skill_gap=["statistics"],
        unmatched=[],
    )

    release_id: str
    user_id: ExternalId
    known: bool
    completed: int
    goal: PathGoal
    outcome: Outcome
    message: str
    needed: int | None = None
    steps: list[PathStep] = Field(default=[])
    skill_gap: list[str] = Field(default=[])
    unmatched: list[str] = Field(default=[])
