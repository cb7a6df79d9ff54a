"""What the API takes and answers: every body, with an example of each."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints

ExternalId = int | str
WholeNumber = Annotated[int, Strict()]
"""A number as JSON has it: `true` is none."""
EventType = Literal["view", "complete", "like", "dislike", "hide"]
Method = Literal["combined", "interests", "co_engagement"]
_SENT_AT: Final = "What the sender's clock says while it sends: where that is off, `at` is corrected by as much."
Text = Annotated[str, StringConstraints(min_length=1, max_length=512)]


class Answer(BaseModel):
    """An answer of the API."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(Answer):
    """An item as people know it.

    Attributes:
        title: Empty where the catalogue gives none.
        labels: The manifest's categories, levels and lists of the item, by column.
        difficulty: The item's level of the manifest's first ordinal column; None without one.
    """

    item_id: ExternalId
    title: str
    labels: dict[str, list[str]] = {}
    difficulty: str | None = None


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
    items: list[Recommended]


class Neighbour(Item):
    """An item like another one."""

    rank: int
    score: float


class SimilarItems(Answer):
    """The items most like one."""

    release_id: str
    item: Item
    items: list[Neighbour]


class SimilarUser(Answer):
    """A user like another one.

    Attributes:
        support: Items or interests that both have.
    """

    rank: int
    user_id: ExternalId
    score: float
    support: int


class SimilarUsers(Answer):
    """The users most like one, never the user."""

    release_id: str
    user_id: ExternalId
    method: Method
    users: list[SimilarUser]


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


class Event(BaseModel):
    """Something that a user did with an item."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"user_id": 14, "item_id": 32, "event": "like"}]},
    )

    user_id: WholeNumber | Text
    item_id: WholeNumber | Text
    event: EventType
    at: datetime | None = Field(default=None, description="When it happened, with its zone; empty: now.")
    event_id: Text | None = Field(default=None, description="The event again under the same id counts once.")
    sent_at: datetime | None = Field(default=None, description=_SENT_AT)


class Events(BaseModel):
    """Events that are taken in together, or not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: list[Event] = Field(min_length=1, max_length=1000)
    sent_at: datetime | None = Field(default=None, description=_SENT_AT)


class Taken(Answer):
    """What became of an event.

    Attributes:
        sequence: Its place among all events of this installation.
    """

    event_id: str
    sequence: int
    repeated: bool


class EventsTaken(Answer):
    """The events are on the disk."""

    events: list[Taken]


class EventUndone(Answer):
    """An event that counts no more."""

    event_id: str
    user_id: ExternalId
    item_id: ExternalId
    event: EventType


class SimilarUsersRequest(BaseModel):
    """The user to find similar users for."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"user_handle": 999}]})

    user_handle: WholeNumber | str | None = None


class SimilarUsersData(Answer):
    """Users who are like the one asked for, by their handles, the most alike first."""

    model_handle: str
    similar_users: list[ExternalId]


class SimilarUsersAnswer(Answer):
    """The users most like one."""

    request_data: ExternalId
    data: SimilarUsersData


class ReleaseStep(Answer):
    """Something that became of a release.

    Attributes:
        by: The name of the key by which it was asked for; empty where a night or somebody on the machine did it.
    """

    status: str
    at: datetime
    reason: str
    by: str = ""


class ReleaseEntry(Answer):
    """A release as the list of releases shows it.

    Attributes:
        created_at: When it was first published or refused; going back to it changes nothing of that.
        history: All that became of it, oldest first.
    """

    id: str
    status: str
    current: bool
    as_of: datetime
    created_at: datetime
    reason: str
    history: list[ReleaseStep] = []


class ReleaseList(Answer):
    """Every release, oldest first."""

    releases: list[ReleaseEntry]


class ReleaseDetail(ReleaseEntry):
    """One release, whole."""

    recipe: dict[str, Any]
    gates: dict[str, Any]
    row_counts: dict[str, int]
    content_hashes: dict[str, str]


class Problem(Answer):
    """Why a request was not answered, as RFC 9457 has it.

    Attributes:
        detail: What is wrong, the value seen, and what to do.
        request_id: By which the server's log tells more.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str = ""


class Health(Answer):
    """Whether the process runs."""

    status: Literal["ok"] = "ok"


class Ready(Answer):
    """Whether lists can be served, and how old they are.

    Attributes:
        reasons: Why not, or what is missing though the last good release is served.
    """

    ready: bool
    reasons: list[str] = []
    release_id: str | None
    as_of: datetime | None
    release_age_seconds: float | None
