"""The bodies that all routes of the API share: ids, texts, items, and the problem document."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Strict, StringConstraints

ExternalId = int | str
WholeNumber = Annotated[int, Strict()]
"""A number as JSON has it: `true` is none."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=512)]


def as_text(given: object) -> str:
    """Return what a request gave as a text that UTF-8 can hold; half of a surrogate pair is escaped."""
    return str(given).encode(errors="backslashreplace").decode()


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


EXAMPLE_ITEM: Final[dict[str, Any]] = {
    "item_id": 32,
    "title": "Statistics for Beginners",
    "labels": {"category": ["Data Science"], "difficulty": ["Beginner"]},
    "difficulty": "Beginner",
}
"""The item that examples of answers show."""

OTHER_EXAMPLE_ITEM: Final[dict[str, Any]] = {
    "item_id": 648,
    "title": "Statistics in Practice",
    "labels": {"category": ["Data Science"], "difficulty": ["Intermediate"]},
    "difficulty": "Intermediate",
}

EXAMPLE_RELEASE: Final = "2026-11-27-1a2b3c4d"
EXAMPLE_LIST: Final = "t2JvROX3rWOeH1QPrk7Jxj0A"


def example(**fields: Any) -> ConfigDict:
    """Return the configuration of a body with an example."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class Problem(Answer):
    """Why a request was not answered, as RFC 9457 has it.

    Attributes:
        type: The kind of refusal, as the path at which the server says what it means.
        title: The kind in a few words.
        detail: What is wrong, the value seen, and what to do.
        request_id: By which the server's log tells more.
    """

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""


class ProblemDescription(Answer):
    """What a kind of refusal means.

    Attributes:
        type: As problem documents have it.
        title: The kind in a few words.
        status: The status of the responses.
        meaning: What it means.
        remedy: What to do about it.
    """

    model_config = example(
        type="/problems/not-found",
        title="Not found",
        status=404,
        meaning="There is no such user, item, skill, event or release.",
        remedy="Check the id: ids are those of the data, and what is new comes with the next release.",
    )

    type: str
    title: str
    status: int
    meaning: str
    remedy: str
