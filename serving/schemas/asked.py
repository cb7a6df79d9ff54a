"""What a request for a list may ask, in its query or its body."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from serving.answers import DEFAULT_LENGTH, MOST_ITEMS, ListRequest
from serving.cursors import decode_cursor
from serving.schemas.common import Expression, Text, WholeNumber

MOST_GIVEN: Final = 1000
"""The most items of a session, items to rank, or users of one request."""
MOST_ITEMS_EACH: Final = 50
"""The longest list where one request asks for many."""

Id = WholeNumber | Text
Cursor = Annotated[str, StringConstraints(max_length=2048)]


class ListFields(BaseModel):
    """What every request for a list may ask."""

    model_config = ConfigDict(extra="forbid")

    k: int | None = Field(
        default=None,
        ge=1,
        le=MOST_ITEMS,
        description=f"How many items; empty: {DEFAULT_LENGTH}, or as the scenario has it.",
        examples=[10],
    )
    scenario: Text | None = Field(
        default=None, description="The placement that the list is for, by its name.", examples=["hero"]
    )
    exclude: list[Text] = Field(default=[], max_length=200, description="Ids of items to leave out.", examples=[["32"]])
    category: Text | None = Field(
        default=None, description="Only items with this category or label.", examples=["Data Science"]
    )
    filter: Expression | None = Field(
        default=None,
        description='Only items for which it holds, as in `difficulty == "Beginner" and price < 20`.',
        examples=['difficulty == "Beginner"'],
    )
    max_difficulty: Text | None = Field(
        default=None, description="The highest level, by its name.", examples=["Intermediate"]
    )
    diversity: float | None = Field(
        default=None, ge=0, le=1, description="λ of maximal marginal relevance.", examples=[0.2]
    )
    alpha: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Collaborative share of the order; empty: as it was published.",
        examples=[0.6],
    )
    after: Cursor | None = Field(
        default=None,
        description="`next` of the page before: no page repeats an item, whatever changes meanwhile.",
        examples=["t2JvROX3rWOeH1QPrk7Jxj0-"],
    )
    context: dict[str, Text] = Field(default={}, max_length=20, description="The values of contexts, by name.")

    def asked(self) -> ListRequest:
        """Convert the fields into a request to the service.

        Raises:
            ConfigurationError: The cursor is none of ours.
        """
        rules = (self.category, self.max_difficulty, self.diversity, self.alpha)
        context = tuple(sorted(self.context.items()))
        shown = decode_cursor(self.after) if self.after else b""
        scenario = self.scenario or ""
        k = self.k or (0 if scenario else DEFAULT_LENGTH)
        asked = ListRequest(k, tuple(self.exclude), *rules, context=context, shown=shown)
        return asked._replace(scenario=scenario, filter=self.filter)


class SessionRequest(ListFields):
    """A list for somebody of whom no more is known than the items of a session."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [32, 7, 101], "k": 5}]})

    items: list[Id] = Field(
        max_length=MOST_GIVEN, description="Ids of what the session has met and liked, the oldest first; may be empty."
    )


class ManyRequest(ListFields):
    """The lists of many users."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_ids": [14, 15], "k": 5}]})

    user_ids: list[Id] = Field(min_length=1, max_length=MOST_GIVEN)
    k: int | None = Field(default=None, ge=1, le=MOST_ITEMS_EACH, description="How many items in each list.")


class RankRequest(BaseModel):
    """Items to put in order, for a user or for a session."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"user_id": 14, "items": [648, 32, 101, 7]}]}
    )

    items: list[Id] = Field(min_length=1, max_length=MOST_GIVEN, description="Ids of the items to put in order.")
    user_id: Id | None = Field(default=None, description="For whom; empty: for a session.")
    session: list[Id] = Field(
        default=[], max_length=MOST_GIVEN, description="Without a user: ids of what was met, the oldest first."
    )
    alpha: float | None = Field(
        default=None, ge=0, le=1, description="Collaborative share of the order; empty: as it was published."
    )
    context: dict[str, Text] = Field(default={}, max_length=20, description="The values of contexts, by name.")

    @model_validator(mode="after")
    def _for_one(self) -> Self:
        if self.user_id is not None and self.session:
            raise ValueError("give user_id or session, not both")
        return self

    def asked(self) -> ListRequest:
        """Convert the fields into a request to the service."""
        return ListRequest(alpha=self.alpha, context=tuple(sorted(self.context.items())))
