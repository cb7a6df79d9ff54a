"""Impressions, as the API takes and answers them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from serving.schemas.asked import MOST_GIVEN
from serving.schemas.common import EXAMPLE_LIST, Answer, Text, WholeNumber, example
from serving.schemas.events import KINDS, SENT_AT

Place = Annotated[WholeNumber, Field(ge=1, le=MOST_GIVEN)]


class Impression(BaseModel):
    """A list that a user saw."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"list_id": EXAMPLE_LIST, "user_id": 14}]}
    )

    list_id: Text = Field(description="The list's id, as its answer gave it.")
    user_id: WholeNumber | Text | None = Field(default=None, description="Who saw it; empty for a session's list.")
    places: list[Place] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_GIVEN,
        description="The ranks of the items that were seen; empty: all of the list.",
        examples=[[1, 2, 3]],
    )
    at: datetime | None = Field(default=None, description="When it was seen, with its zone; empty: now.")
    impression_id: Text | None = Field(default=None, description="The impression again under the same id counts once.")
    sent_at: datetime | None = Field(default=None, description=SENT_AT)


class Impressions(BaseModel):
    """Impressions that are taken in together, or not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    impressions: list[Impression] = Field(min_length=1, max_length=MOST_GIVEN)


def _kind(body: Any) -> str:
    one, several = KINDS
    return several if isinstance(body, Impressions) or (isinstance(body, Mapping) and "impressions" in body) else one


OneOrSeveralImpressions = Annotated[
    Annotated[Impression, Tag(KINDS[0])] | Annotated[Impressions, Tag(KINDS[1])], Discriminator(_kind)
]
"""A body with `impressions` holds several; what is wrong with a body is said of the kind that it is of."""


class TakenImpression(Answer):
    """What became of an impression.

    Attributes:
        sequence: Its place among all impressions of this installation.
    """

    impression_id: str
    sequence: int
    repeated: bool


_TAKEN: Final[dict[str, Any]] = {"impression_id": "7c41", "sequence": 512, "repeated": False}


class ImpressionsTaken(Answer):
    """The impressions are on the disk."""

    model_config = example(impressions=[_TAKEN])

    impressions: list[TakenImpression]
