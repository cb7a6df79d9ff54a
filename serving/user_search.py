"""Search for users by a part of their id."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from nightschool.columns import ITEM_ID
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot


class FoundUser(NamedTuple):
    """A user that a search found.

    Attributes:
        about: Their attributes in the users table.
        n_items: Items that they have interacted with.
    """

    user_id: ExternalId
    about: Mapping[str, object]
    n_items: int


def search_users(snapshot: Snapshot, query: str, n: int) -> list[FoundUser]:
    """Find up to n users whose id contains the text, first those that begin with it; without text, the first n."""
    found = _matching(snapshot.lists.keys, query.strip().lower(), n)
    return [
        FoundUser(user_id, snapshot.attributes(user_id) or {}, _history_length(snapshot, user_id))
        for user_id in found.to_list()
    ]


def _history_length(snapshot: Snapshot, user_id: ExternalId) -> int:
    columns = snapshot.histories.columns_of(user_id)
    return len(columns[ITEM_ID]) if columns else 0


def _matching(ids: pl.Series, text: str, n: int) -> pl.Series:
    if not text:
        return ids.head(n)
    written = ids.cast(pl.String).str.to_lowercase()
    begins = ids.filter(written.str.starts_with(text)).head(n)
    holds = ids.filter(written.str.contains(text, literal=True) & ~written.str.starts_with(text))
    exactly = ids.filter(written == text)
    return pl.concat([exactly, begins, holds.head(n)]).unique(maintain_order=True).head(n)
