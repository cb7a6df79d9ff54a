"""Items and users as somebody adds, changes and withdraws them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from serving.schemas.common import Answer, ExternalId, Text, WholeNumber, example


class NewItem(BaseModel):
    """An item with all that describes it: its id, and attributes that the manifest declares."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        json_schema_extra={"examples": [{"item_id": 933, "title": "Statistics Today", "difficulty": "Beginner"}]},
    )

    item_id: WholeNumber | Text

    @property
    def attributes(self) -> dict[str, Any]:
        """Return the attributes that were given."""
        return dict(self.model_extra or {})


class NewItems(BaseModel):
    """Items that are taken in together, or not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: list[NewItem] = Field(min_length=1, max_length=1000)


class ItemChanged(Answer):
    """What was said of an item is on the disk, and in force.

    Attributes:
        sequence: Its place among all that was said of items.
        at: When it was taken in; what a file says that is delivered later counts more.
        repeated: Whether it was said before.
    """

    model_config = example(item_id=933, sequence=12, at="2026-01-31T18:00:00Z", repeated=False)

    item_id: ExternalId
    sequence: int
    at: datetime
    repeated: bool


class ItemsChanged(Answer):
    """What was said of items is on the disk, and in force."""

    model_config = example(items=[{"item_id": 933, "sequence": 12, "at": "2026-01-31T18:00:00Z", "repeated": False}])

    items: list[ItemChanged]


class UserChanged(Answer):
    """What was said of a user is on the disk, and in force.

    Attributes:
        sequence: Its place among all that was said of users.
        at: When it was taken in; what a file says that is delivered later counts more.
        repeated: Whether it was said before.
    """

    model_config = example(user_id=14, sequence=3, at="2026-01-31T18:00:00Z", repeated=False)

    user_id: ExternalId
    sequence: int
    at: datetime
    repeated: bool
