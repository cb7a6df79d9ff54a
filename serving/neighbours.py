"""Similar items and similar users, as the release holds them."""

from collections.abc import Collection

from nightschool.columns import METHOD, NEIGHBOR_ID, SCORE, SUPPORT
from nightschool.errors import NotFound
from serving.schemas.common import ExternalId
from serving.schemas.similar import Method, Neighbour, SimilarItems, SimilarUser, SimilarUsers
from serving.snapshot import Snapshot


def similar_items(snapshot: Snapshot, item_id: ExternalId, k: int, banned: Collection[str] = ()) -> SimilarItems:
    """Return the items most similar to an item.

    Args:
        snapshot: The release.
        item_id: The item.
        k: How many items.
        banned: Ids of items that are not shown, as texts.

    Raises:
        NotFound: There is no such item.
    """
    known = require_item(snapshot, item_id)
    columns = snapshot.similar_items.columns_of(known) or {NEIGHBOR_ID: [], SCORE: []}
    rows = zip(columns[NEIGHBOR_ID], columns[SCORE], strict=True)
    pairs = [(other, score) for other, score in rows if other not in snapshot.gone and str(other) not in banned]
    describe = snapshot.catalogue.describe
    items = [Neighbour(**describe(other), rank=rank, score=score) for rank, (other, score) in enumerate(pairs[:k], 1)]
    return SimilarItems(release_id=snapshot.release.release_id, item=snapshot.catalogue.item(known), items=items)


def require_item(snapshot: Snapshot, item_id: ExternalId) -> ExternalId:
    """Parse the id of an item of the catalogue.

    Raises:
        NotFound: There is no such item.
    """
    known = snapshot.item_id(item_id)
    if known is None or snapshot.catalogue.position(known) is None:
        raise NotFound("no such item", seen=str(item_id)[:100], do="give an id that the catalogue holds")
    return known


def similar_users(snapshot: Snapshot, user_id: ExternalId, method: Method, k: int) -> SimilarUsers:
    """Return the k users most similar to a user by a method; empty where no other user shares enough."""
    columns = snapshot.similar_users.columns_of(user_id)
    rows = zip(*(columns[name] for name in (METHOD, NEIGHBOR_ID, SCORE, SUPPORT)), strict=True) if columns else ()
    theirs = [(other, score, support) for by, other, score, support in rows if by == method][:k]
    users = [
        SimilarUser(rank=rank, user_id=other, score=score, support=support)
        for rank, (other, score, support) in enumerate(theirs, start=1)
    ]
    return SimilarUsers(release_id=snapshot.release.release_id, user_id=user_id, method=method, users=users)
