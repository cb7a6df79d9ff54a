"""Why one user's list differs between two releases: what the user did, what is offered, and which recipe ranked."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from nightschool.columns import (
    AVAILABLE_AT,
    BECAUSE_ITEM_ID,
    EVENT,
    INTERACTIONS,
    ITEM_ID,
    ITEMS,
    RANK,
    RECOMMENDATIONS,
    TIMESTAMP,
    UNTIL,
    USER_ID,
    WITHDRAWN,
)
from nightschool.errors import NotFound
from nightschool.ids import require_id
from nightschool.storage.as_of import scan_at
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Release
from serving.differences import TOP, titles_of

Id = int | str
_Ranks = dict[Id, tuple[int, Id | None]]


class _Known(NamedTuple):
    """Both lists, what the user did in between, what is no longer offered, and the titles of all these items."""

    lists: Sequence[_Ranks]
    done: Mapping[Id, str | None]
    gone: set[Id]
    titles: Mapping[Id, str]


class ChangedItem(NamedTuple):
    """An item of either first ten: its ranks (None: not in the list), and why it came, went or stayed."""

    item_id: Id
    title: str
    left: int | None
    right: int | None
    why: str


class ListChange(NamedTuple):
    """How a user's first ten differ between two releases.

    Attributes:
        user_id: The user.
        causes: What changed for this user in between, in sentences.
        items: The items of both, by their rank in the right one, then in the left one.
    """

    user_id: Id
    causes: list[str]
    items: list[ChangedItem]


def explain_change(lake: Lake, left: Release, right: Release, user_id: str) -> ListChange:
    """Explain how a user's first ten differ between two releases.

    Raises:
        NotFound: The id can be none of this home, or the user has a list in neither release.
    """
    user = require_id(user_id, str(lake.user_id), "user")
    lists = [_ranks(lake, release.release_id, user) for release in (left, right)]
    if not any(lists):
        raise NotFound("the user has a list in neither release", seen=user_id, do="check the id")
    events = _events_between(lake, left, right, user)
    shown = {item for ranks in lists for item, (rank, _) in ranks.items() if rank <= TOP}
    reasons = {because for ranks in lists for _, because in ranks.values() if because is not None}
    titles = titles_of(lake, pl.Series([*shown, *reasons, *events[ITEM_ID]], dtype=lake.item_id))
    done = dict(events.select(ITEM_ID, EVENT).iter_rows())
    known = _Known(lists, done, _gone(lake, right, shown), titles)
    items = [ChangedItem(item, titles.get(item, ""), *_places(lists, item), _why(known, item)) for item in shown]
    items.sort(key=lambda one: (one.right is None, one.right or 0, one.left or 0))
    return ListChange(user, _causes(events, titles, left, right), items)


def _ranks(lake: Lake, release_id: str, user: Id) -> _Ranks:
    """Return item to its rank and the item that explains it."""
    rows = lake.scan(RECOMMENDATIONS, release_id).filter(pl.col(USER_ID) == user)
    return {
        item: (rank, because) for item, rank, because in rows.select(ITEM_ID, RANK, BECAUSE_ITEM_ID).collect().rows()
    }


def _events_between(lake: Lake, left: Release, right: Release, user: Id) -> pl.DataFrame:
    first, last = sorted((left.as_of, right.as_of))
    between = (pl.col(AVAILABLE_AT) > first) & (pl.col(AVAILABLE_AT) <= last)
    rows = scan_at(lake, INTERACTIONS, last).filter(pl.col(USER_ID) == user, between)
    return rows.select(ITEM_ID, EVENT, TIMESTAMP).sort(TIMESTAMP, nulls_last=True).collect()


def _gone(lake: Lake, release: Release, items: set[Id]) -> set[Id]:
    """Return which items are not offered at T of a release."""
    known = scan_at(lake, ITEMS, release.as_of).filter(pl.col(ITEM_ID).is_in([*items]))
    over = (pl.col(UNTIL) <= release.as_of).fill_null(value=False) | pl.col(WITHDRAWN).fill_null(value=False)
    return set(known.filter(over).select(ITEM_ID).collect().to_series())


def _places(lists: Sequence[_Ranks], item: Id) -> tuple[int | None, int | None]:
    left, right = (ranks.get(item, (None, None))[0] for ranks in lists)
    return left, right


def _why(known: _Known, item: Id) -> str:
    left, right = _places(known.lists, item)
    if right is not None and right <= TOP:
        because = known.lists[1][item][1]
        named = f"because of {known.titles.get(because) or because}" if because is not None else ""
        if left is not None and left <= TOP:
            return named
        return "; ".join(part for part in ("new among the first ten", named) if part)
    if item in known.done:
        return f"{known.done[item] or 'taken'} since"
    if item in known.gone:
        return "no longer offered"
    return "others come first now"


def _causes(events: pl.DataFrame, titles: Mapping[Id, str], left: Release, right: Release) -> list[str]:
    new = [f"{titles.get(item) or item} ({event or 'taken'})" for item, event in events.select(ITEM_ID, EVENT).rows()]
    more = f" and {len(new) - TOP} more" if len(new) > TOP else ""
    causes = [f"New events: {', '.join(new[:TOP])}{more}." if new else "The learner did nothing in between."]
    if left.recipe != right.recipe:
        causes.append("Another recipe ranks: its models, their settings or their weights are not the same.")
    else:
        causes.append("The same recipe ranks, trained anew on what all learners did in between.")
    return causes
