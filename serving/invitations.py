"""Whom to invite to an item: the users for whom the recipe scores it highest."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

import polars as pl

from nightschool.columns import ITEM_ID, SCORE, USER_ID
from serving.feedback import Feedback
from serving.neighbours import require_item
from serving.schemas.catalogue import Invitations, InvitedUser
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot

_AT_ONCE: Final = 1_000
"""Users whose events are read together."""

Erased = Callable[[Iterable[ExternalId]], set[ExternalId]]
"""Returns which of some users were erased."""


def users_to_invite(
    snapshot: Snapshot, feedback: Feedback, erased: Erased, item_id: ExternalId, capacity: int
) -> Invitations:
    """Return the users in whose pool of candidates an item scores highest.

    Left out are users with an event of the item, views aside, in the release or since, and erased ones. Users who had
    left have no pool.

    Args:
        snapshot: The release.
        feedback: The events since.
        erased: Which users were erased.
        item_id: The item.
        capacity: How many users.

    Raises:
        NotFound: There is no such item.
        Unreachable: The pools are being replaced, or the events cannot be read now.
    """
    known = require_item(snapshot, item_id)
    ranked = _ranked(snapshot, known)
    chosen = list(islice(_uninvolved(snapshot, feedback, erased, known, ranked), capacity))
    users = [
        InvitedUser(user_id=user_id, rank=rank, score=round(score, 6), place=_place(snapshot, user_id, known))
        for rank, (user_id, score) in enumerate(chosen, start=1)
    ]
    return Invitations(
        release_id=snapshot.release.release_id,
        item=snapshot.catalogue.item(known),
        considered=ranked.height,
        users=users,
    )


def _ranked(snapshot: Snapshot, item_id: ExternalId) -> pl.DataFrame:
    """Return user_id and score of the users in whose pool an item is, best first and then by id."""
    pools = snapshot.pools.holding(item_id)
    if item_id in snapshot.gone:
        pools = pools.clear()
    weighted = [
        pl.col(name).cast(pl.Float64) * component.weight
        for name, component in snapshot.components.items()
        if name in pools.columns
    ]
    scored = pools.select(USER_ID, pl.sum_horizontal(pl.lit(0.0), *weighted).alias(SCORE))
    return scored.sort(SCORE, USER_ID, descending=[True, False])


def _uninvolved(
    snapshot: Snapshot, feedback: Feedback, erased: Erased, item_id: ExternalId, ranked: pl.DataFrame
) -> Iterator[tuple[ExternalId, float]]:
    """Yield users and scores in their order, without those who did anything with the item and those who are gone."""
    for rows in ranked.iter_slices(_AT_ONCE):
        user_ids: list[ExternalId] = rows[USER_ID].to_list()
        reacted, gone = feedback.reacted(item_id, user_ids), erased(user_ids)
        for user_id, score in zip(user_ids, rows[SCORE].to_list(), strict=True):
            if user_id not in gone and str(user_id) not in reacted and not _knew(snapshot, user_id, item_id):
                yield user_id, score


def _knew(snapshot: Snapshot, user_id: ExternalId, item_id: ExternalId) -> bool:
    """Return whether a user's history in the release holds an item."""
    history = snapshot.histories.columns_of(user_id)
    return history is not None and item_id in history[ITEM_ID]


def _place(snapshot: Snapshot, user_id: ExternalId, item_id: ExternalId) -> int | None:
    listed = snapshot.lists.columns_of(user_id)
    return listed[ITEM_ID].index(item_id) + 1 if listed and item_id in listed[ITEM_ID] else None
