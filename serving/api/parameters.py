"""What requests may carry beside their path, with the bounds that are told in the OpenAPI document."""

from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from serving.answers import MOST_ITEMS, ListRequest
from serving.problems import MEDIA_TYPE
from serving.schemas import Problem, Text

LONGEST_ID: Final = 512
"""Characters of an id, as the ingest takes it."""

UserId = Annotated[str, Path(description="The user's id.", max_length=LONGEST_ID, examples=["14"])]
ItemId = Annotated[str, Path(description="The item's id.", max_length=LONGEST_ID, examples=["32"])]
Length = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many.")]


def told(description: str) -> dict[str, Any]:
    """Return what the OpenAPI document says of an answer that says why there is none."""
    return {"description": description, "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: told("No key, or one that was revoked."),
    403: told("The key does not allow this, or a page of another site sent it."),
    404: told("No such user, item or release."),
    413: told("The body is too large."),
    429: told("The key asks more often than it may; Retry-After says when again."),
    422: told("What was asked is out of range, or does not fit the release."),
    503: told("No release is published yet, or a database does not answer; see Retry-After."),
}


class ListQuery(BaseModel):
    """What a list is asked for with."""

    model_config = ConfigDict(extra="forbid")

    k: int = Field(default=10, ge=1, le=MOST_ITEMS, description="How many items.")
    exclude: list[Text] = Field(default=[], max_length=200, description="Ids of items to leave out.")
    category: Text | None = Field(default=None, description="Only items with this category or label.")
    max_difficulty: Text | None = Field(default=None, description="The highest level, by its name.")
    diversity: float | None = Field(default=None, ge=0, le=1, description="λ of maximal marginal relevance.")
    alpha: float | None = Field(
        default=None, ge=0, le=1, description="Collaborative share of the order; empty: as it was published."
    )

    def asked(self) -> ListRequest:
        """The same for the service."""
        return ListRequest(self.k, tuple(self.exclude), self.category, self.max_difficulty, self.diversity, self.alpha)
