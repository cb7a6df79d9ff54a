"""A user's list and history, as the API answers them."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field

from serving.schemas.common import EXAMPLE_LIST, EXAMPLE_RELEASE, OTHER_EXAMPLE_ITEM, Answer, ExternalId, Item, example


class Recommended(Item):
    """An entry of a list.

    Attributes:
        rank: From 1.
        source: The component with the largest share of its score; `audience` for cold users, `random` for a randomised
            slot.
        reason: A code: because_of_item, similar_content, popular, audience, random.
        because_item_id: The item of the user's history with the largest share of its score.
        why: The reason in words.
        filled: Whether it comes from the whole catalogue, as the user's candidates held too little of what was asked.
    """

    rank: int
    score: float
    source: str
    reason: str
    because_item_id: ExternalId | None = None
    why: str
    filled: bool = False


_LISTED: Final[dict[str, Any]] = {
    **OTHER_EXAMPLE_ITEM,
    "rank": 1,
    "score": 4.229136,
    "source": "ials",
    "reason": "because_of_item",
    "because_item_id": 32,
    "why": "because of Statistics for Beginners",
    "filled": False,
}
_MADE: Final[dict[str, Any]] = {
    "list_id": EXAMPLE_LIST,
    "release_id": EXAMPLE_RELEASE,
    "as_of": "2026-11-26T23:59:24Z",
    "published_at": "2026-11-27T02:10:51Z",
    "alpha": None,
    "filled": 0,
    "context": {},
    "warnings": [],
    "items": [_LISTED],
}
_OF_USER: Final[dict[str, Any]] = {**_MADE, "release_age_hours": 9, "user_id": 14, "known": True, "overlay": False}


class ListAnswer(Answer):
    """What every list tells.

    Attributes:
        list_id: By which impressions and events name the list; None where nobody may, as on an operator's page.
        published_at: When the release became current.
        as_of: T: the release knows what was known then.
        filled: How many of the items, the last ones, are filled in from the whole catalogue.
        context: The contexts that changed the list, with their values.
        warnings: Why other contexts of the request changed nothing, or why no item is shown.
    """

    list_id: str | None = None
    release_id: str
    as_of: datetime
    published_at: datetime
    alpha: float | None = None
    filled: int = 0
    context: dict[str, str] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    items: list[Recommended]


class Recommendations(ListAnswer):
    """A user's list.

    Attributes:
        release_age_hours: Whole hours since T, however late it was published.
        known: Whether the release holds a list of this user's own.
        overlay: Whether the user's events since the release changed the list.
        arm: The experiment's arm that the user is in; None without an experiment.
        scenario: The placement that it was asked for; None without one.
        next: What `after` of the next page is; None where the list ends.
    """

    model_config = example(**_OF_USER, arm=None, next="t2JvROX3rWOeH1QPrk7Jxj0-")

    release_age_hours: int
    user_id: ExternalId
    known: bool
    overlay: bool
    arm: str | None = None
    scenario: str | None = None
    next: str | None = None


class SessionList(ListAnswer):
    """A list for a session without a user.

    Attributes:
        scenario: The placement that it was asked for; None without one.
        unknown: Items of the session that the release does not hold, as texts.
        next: What `after` of the next page is; None where the list ends.
    """

    model_config = example(**_MADE, unknown=[])

    scenario: str | None = None
    unknown: list[str]
    next: str | None = None


class LeftOut(Answer):
    """An item that was given and may not be shown; the id of one that the release does not hold is a text."""

    item_id: ExternalId
    why: Literal["unknown", "unavailable", "completed", "hidden", "rules"]


class RankedList(ListAnswer):
    """The given items, in order.

    Attributes:
        user_id: None for a session.
    """

    model_config = example(**_MADE, user_id=14, left_out=[{"item_id": 7, "why": "completed"}])

    user_id: ExternalId | None
    left_out: list[LeftOut]


class NoList(Answer):
    """A user whose list cannot be made."""

    user_id: str
    detail: str


class ManyLists(Answer):
    """The lists of many users, in the order in which they were asked for; a user who comes again counts once."""

    model_config = example(lists=[_OF_USER], refused=[])

    lists: list[Recommendations]
    refused: list[NoList]


class HistoryEntry(Item):
    """An item that a user has met.

    Attributes:
        at: When last; None where the data have no time.
        event: The event that was sent; None for what the release knew.
        event_id: Its id, by which it can be taken back.
        score: What the release learned from it; below zero for a dislike.
    """

    at: datetime | None
    event: str | None = None
    event_id: str | None = None
    score: float | None = None
