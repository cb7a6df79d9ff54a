"""Similar items and users, as the API answers and takes them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from serving.schemas.common import Answer, ExternalId, Item, WholeNumber

Method = Literal["combined", "interests", "co_engagement"]


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
