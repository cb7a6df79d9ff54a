"""Events, as the API takes and answers them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from serving.schemas.common import EXAMPLE_LIST, Answer, ExternalId, Text, WholeNumber, example

EventType = Literal["view", "complete", "like", "dislike", "hide"]
SENT_AT: Final = "What the sender's clock says while it sends: where that is off, `at` is corrected by as much."


_CONTEXT: Final = 'The declared contexts in which it happened, as in `{"device": "mobile"}`.'


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
    sent_at: datetime | None = Field(default=None, description=SENT_AT)
    context: dict[Text, Text] = Field(default={}, max_length=20, description=_CONTEXT)
    list_id: Text | None = Field(
        default=None, description="The list on which it happened, as its answer gave it.", examples=[EXAMPLE_LIST]
    )


class Events(BaseModel):
    """Events that are taken in together, or not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: list[Event] = Field(min_length=1, max_length=1000)
    sent_at: datetime | None = Field(default=None, description=SENT_AT)


KINDS: Final = ("one", "several")
"""What validation calls the two kinds of body in the place of a fault."""


def _kind(body: Any) -> str:
    one, several = KINDS
    return several if isinstance(body, Events) or (isinstance(body, Mapping) and "events" in body) else one


OneOrSeveral = Annotated[Annotated[Event, Tag(KINDS[0])] | Annotated[Events, Tag(KINDS[1])], Discriminator(_kind)]
"""A body with `events` holds several; what is wrong with a body is said of the kind that it is of."""


class Taken(Answer):
    """What became of an event.

    Attributes:
        sequence: Its place among all events of this installation.
    """

    event_id: str
    sequence: int
    repeated: bool


class EventsTaken(Answer):
    """The events are on the disk.

    Attributes:
        warnings: Contexts with values that the release does not know, in sentences.
    """

    model_config = example(events=[{"event_id": "3f2a", "sequence": 1807, "repeated": False}], warnings=[])

    events: list[Taken]
    warnings: list[str]


class EventUndone(Answer):
    """An event that counts no more."""

    model_config = example(event_id="3f2a", user_id=14, item_id=32, event="like")

    event_id: str
    user_id: ExternalId
    item_id: ExternalId
    event: EventType
