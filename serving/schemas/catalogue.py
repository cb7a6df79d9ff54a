"""The catalogue as the API answers it: pages of items, one item, and whom to invite to it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.schemas.common import EXAMPLE_ITEM, EXAMPLE_RELEASE, Answer, Expression, ExternalId, Item, Text, example

Sort = Literal["relevance", "popular", "new", "trending"]
Matched = Literal["all", "related", "some", "similar"]


class CatalogueQuery(BaseModel):
    """The query parameters of the catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: str = Field(
        default="",
        max_length=512,
        description="Words of title, labels and text; the last may go on.",
        examples=["machine lear"],
    )
    sort: Sort | None = Field(
        default=None, description="Default: `relevance` with `q`, else `popular`.", examples=["trending"]
    )
    category: Text | None = Field(
        default=None, description="Only items with this category or label.", examples=["Data Science"]
    )
    filter: Expression | None = Field(
        default=None,
        description='Only items of which this holds, such as `difficulty <= "Intermediate"`.',
        examples=['price < 20 and "sql" in skills'],
    )
    k: int = Field(default=20, ge=1, le=200, description="How many items.", examples=[20])
    after: Text | None = Field(
        default=None, description="The `next` of the page before; empty: the first page.", examples=["MjAyNi0xMS0yNy0x"]
    )


class ListedItem(Item):
    """An item of a page of the catalogue.

    Attributes:
        rank: From 1, over all pages.
        score: What the items are sorted by. `relevance`: how well the words match; `popular`: the likes; `new`: the
            days since it became known at T, None where that is unknown; `trending`: by how many standard deviations
            its likes exceed those expected.
        likes: How many users liked it.
        known_since: When it became known; None where that is unknown.
        recent_likes: Its likes in the newest `window_days`; None unless the items are sorted by them.
    """

    rank: int
    score: float | None
    likes: int
    known_since: datetime | None
    recent_likes: int | None = None


class ItemPage(Answer):
    """A page of the catalogue.

    Attributes:
        sort: What the items are sorted by.
        total: How many items all pages hold together.
        matched: Whether the items have all words of `q`, are related to items that do, have some, or titles with
            similar words; None without `q`, and where nothing was found.
        related: How many of them lack the words of `q`, the last ones: their vectors are like those of items that have
            them.
        window_days: The days that trends are over; None unless the items are sorted by them.
        next: What to give as `after` for the next page; None on the last one.
    """

    model_config = example(
        release_id=EXAMPLE_RELEASE,
        sort="popular",
        total=1,
        items=[{**EXAMPLE_ITEM, "rank": 1, "score": 412.0, "likes": 412, "known_since": "2025-09-01T00:00:00Z"}],
    )

    release_id: str
    sort: Sort
    total: int
    matched: Matched | None = None
    related: int = 0
    window_days: int | None = None
    items: list[ListedItem]
    next: str | None = None


class ItemDetail(Answer):
    """One item.

    Attributes:
        available: Whether it may be recommended; withdrawn items may not.
        likes: How many users liked it.
        known_since: When it became known; None where that is unknown.
        prerequisites: The ids of the items to complete before.
    """

    model_config = example(
        release_id=EXAMPLE_RELEASE,
        item=EXAMPLE_ITEM,
        available=True,
        likes=412,
        known_since="2025-09-01T00:00:00Z",
        prerequisites=[7],
    )

    release_id: str
    item: Item
    available: bool
    likes: int
    known_since: datetime | None
    prerequisites: list[ExternalId]


class InvitedUser(Answer):
    """A user to invite to an item.

    Attributes:
        score: The recipe's blend of the components' z-scores, which are comparable between users.
        place: The item's rank in the user's published list; None where it is not in it.
    """

    user_id: ExternalId
    rank: int
    score: float
    place: int | None = None


class Invitations(Answer):
    """Whom to invite to an item, best first.

    Attributes:
        considered: How many users have the item among their candidates.
    """

    model_config = example(
        release_id=EXAMPLE_RELEASE,
        item=EXAMPLE_ITEM,
        considered=1204,
        users=[{"user_id": 58, "rank": 1, "score": 2.993434, "place": 1}],
    )

    release_id: str
    item: Item
    considered: int
    users: list[InvitedUser]
