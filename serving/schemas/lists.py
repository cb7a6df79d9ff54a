"""A user's list and history, as the API answers them."""

from datetime import datetime

from pydantic import Field

from serving.schemas.common import Answer, ExternalId, Item


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


class Recommendations(Answer):
    """A user's list.

    Attributes:
        published_at: When the release became current.
        as_of: T: the release knows what was known then.
        release_age_hours: Whole hours since T, however late it was published.
        known: Whether the release holds a list of this user's own.
        overlay: Whether the user's events since the release changed the list.
        arm: The experiment's arm that the user is in; None without an experiment.
        filled: How many of the items, the last ones, are filled in from the whole catalogue.
        context: The contexts that changed the list, with their values.
        warnings: Why other contexts of the request changed nothing.
    """

    release_id: str
    as_of: datetime
    published_at: datetime
    release_age_hours: int
    user_id: ExternalId
    known: bool
    overlay: bool
    alpha: float | None = None
    arm: str | None = None
    filled: int = 0
    context: dict[str, str] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    items: list[Recommended]


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
