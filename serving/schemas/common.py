"""The bodies that all routes of the API share: ids, texts, items, and the problem document."""

from typing import Annotated

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
