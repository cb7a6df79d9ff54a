"""What requests may carry beside their path, with the bounds that are told in the OpenAPI document."""

from typing import Annotated, Any, Final

from fastapi import Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from serving.answers import MOST_ITEMS, Asked
from serving.schemas import Problem, Text

LONGEST_ID: Final = 512
"""Characters of an id, as the ingest takes it."""

UserId = Annotated[str, Path(description="The user's id.", max_length=LONGEST_ID, examples=["14"])]
ItemId = Annotated[str, Path(description="The item's id.", max_length=LONGEST_ID, examples=["32"])]
Length = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many.")]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No key, or one that was revoked."},
    403: {"model": Problem, "description": "The key may only read, or a page of another site sent this."},
    404: {"model": Problem, "description": "No such user, item or release."},
    413: {"model": Problem, "description": "The body is too large."},
    422: {"model": Problem, "description": "What was asked is out of range, or does not fit the release."},
    503: {"model": Problem, "description": "No release is published yet, or a database does not answer."},
}


def problem(detail: str, status: int) -> JSONResponse:
    """A `Problem`; halves of surrogate pairs, which JSON can send and UTF-8 cannot hold, are escaped."""
    return JSONResponse({"detail": detail.encode(errors="backslashreplace").decode()}, status)


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

    def asked(self) -> Asked:
        """The same for the service."""
        return Asked(self.k, tuple(self.exclude), self.category, self.max_difficulty, self.diversity, self.alpha)
