"""Similar items and users, and what follows an item, as the API answers and takes them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from serving.schemas.common import (
    EXAMPLE_ITEM,
    EXAMPLE_RELEASE,
    OTHER_EXAMPLE_ITEM,
    Answer,
    ExternalId,
    Item,
    WholeNumber,
    example,
)

Method = Literal["combined", "interests", "co_engagement"]


class Neighbour(Item):
    """An item like another one."""

    rank: int
    score: float


class SimilarItems(Answer):
    """The items most like one."""

    model_config = example(
        release_id=EXAMPLE_RELEASE, item=EXAMPLE_ITEM, items=[{**OTHER_EXAMPLE_ITEM, "rank": 1, "score": 0.62}]
    )

    release_id: str
    item: Item
    items: list[Neighbour]


class NextItem(Item):
    """An item that users take soon after another one.

    Attributes:
        share: The part of the users with the first item who took this one soon after.
        support: How many users that are.
    """

    rank: int
    share: float
    support: int


class NextItems(Answer):
    """The items that most users take soon after one."""

    model_config = example(
        release_id=EXAMPLE_RELEASE,
        item=EXAMPLE_ITEM,
        items=[{**OTHER_EXAMPLE_ITEM, "rank": 1, "share": 0.31, "support": 46}],
    )

    release_id: str
    item: Item
    items: list[NextItem]


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

    model_config = example(
        release_id=EXAMPLE_RELEASE,
        user_id=14,
        method="combined",
        users=[{"rank": 1, "user_id": 190, "score": 0.47, "support": 9}],
    )

    release_id: str
    user_id: ExternalId
    method: Method
    users: list[SimilarUser]


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

    model_config = example(request_data=999, data={"model_handle": EXAMPLE_RELEASE, "similar_users": [190, 15, 7]})

    request_data: ExternalId
    data: SimilarUsersData
