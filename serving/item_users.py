"""The users whose histories hold an item."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nightschool.columns import ITEM_ID, SCORE, TIMESTAMP, USER_ID
from serving.neighbours import require_item
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from serving.user_state import Interaction


class ItemUser(NamedTuple):
    """A user whose history holds the item, and the interaction."""

    user_id: ExternalId
    met: Interaction


class ItemUsers(NamedTuple):
    """Who met an item.

    Attributes:
        n_users: How many histories of the release hold it, those of erased users aside.
        newest: The users who met it last, the newest first.
    """

    n_users: int
    newest: list[ItemUser]


def item_users(
    snapshot: Snapshot, erased: Callable[[Iterable[ExternalId]], set[ExternalId]], item_id: ExternalId, n: int
) -> ItemUsers:
    """Return the users whose histories in the release hold an item.

    Args:
        snapshot: The release.
        erased: Returns which of some users were erased since.
        item_id: The item.
        n: How many of them to name.

    Raises:
        NotFound: There is no such item.
    """
    with pa.memory_map(str(snapshot.histories.path)) as source, pa.ipc.open_file(source) as reader:
        batch = reader.get_batch(0)
    items = batch.column(ITEM_ID)
    held = pc.equal(items.values, pa.scalar(require_item(snapshot, item_id), items.values.type))
    places = np.flatnonzero(held.to_numpy(zero_copy_only=False))
    owners = np.searchsorted(items.offsets.to_numpy(), places, side="right") - 1
    user_ids = batch.column(USER_ID).take(pa.array(owners)).to_pylist()
    scores, times = (batch.column(name).values.take(pa.array(places)).to_pylist() for name in (SCORE, TIMESTAMP))
    gone = erased(user_ids)
    users = [
        ItemUser(user_id, Interaction(score, at))
        for user_id, score, at in zip(user_ids, scores, times, strict=True)
        if user_id not in gone
    ]
    # Those without a time come last, all in the order of their ids.
    newest = sorted(users, key=lambda user: -user.met.at.timestamp() if user.met.at else 0.0)
    return ItemUsers(len(users), newest[:n])
