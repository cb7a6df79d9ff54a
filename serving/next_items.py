"""What users take soon after an item, as the release holds it."""

from collections.abc import Collection

from nightschool.columns import NEIGHBOR_ID, SHARE, SUPPORT
from nightschool.contract import Mask
from serving.neighbours import require_item
from serving.schemas.common import ExternalId
from serving.schemas.similar import NextItem, NextItems
from serving.snapshot import Snapshot
from serving.user_state import UserState


def next_items(snapshot: Snapshot, item_id: ExternalId, k: int, banned: Collection[str] = ()) -> NextItems:
    """Return the items that most users take soon after an item; none where the data have no order.

    Args:
        snapshot: The release.
        item_id: The item.
        k: How many items.
        banned: Ids of items that are not shown, as texts.

    Raises:
        NotFound: There is no such item.
    """
    known = require_item(snapshot, item_id)
    items = [item for item in _followers(snapshot, known) if not banned or str(item.item_id) not in banned]
    return NextItems(
        release_id=snapshot.release.release_id,
        item=snapshot.catalogue.item(known),
        items=[item.model_copy(update={"rank": rank}) for rank, item in enumerate(items[:k], 1)],
    )


def study_next(snapshot: Snapshot, user: UserState, allowed: Mask, k: int) -> NextItems | None:
    """Return the allowed items that most users took soon after a user's newest liked one; None where there are none.

    Args:
        snapshot: The release.
        user: Whose history.
        allowed: bool [n_items], what the user may be shown.
        k: How many items.
    """
    newest = next((place for place, met in user.current.items() if met.score > 0), None)
    if newest is None:
        return None
    catalogue = snapshot.catalogue
    after = catalogue.ids[newest]
    items = [item for item in _followers(snapshot, after) if allowed[catalogue.positions([item.item_id])].all()][:k]
    if not items:
        return None
    return NextItems(release_id=snapshot.release.release_id, item=catalogue.item(after), items=items)


def _followers(snapshot: Snapshot, item_id: ExternalId) -> list[NextItem]:
    columns = snapshot.next_items.columns_of(item_id) if snapshot.next_items else None
    if columns is None:
        return []
    followers = zip(*(columns[name] for name in (NEIGHBOR_ID, SHARE, SUPPORT)), strict=True)
    rows = [row for row in followers if row[0] not in snapshot.gone]
    describe = snapshot.catalogue.describe
    return [
        NextItem(**describe(other), rank=rank, share=share, support=support)
        for rank, (other, share, support) in enumerate(rows, start=1)
    ]
