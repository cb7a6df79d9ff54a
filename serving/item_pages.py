"""Pages of the catalogue: available items, searched, filtered and sorted."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightschool.contract import Indices, Mask
from nightschool.errors import ConfigurationError
from serving.item_search import Found
from serving.listing import with_label
from serving.neighbours import require_item
from serving.schemas.catalogue import CatalogueQuery, ItemDetail, ItemPage, ListedItem, Sort
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot

_DAY: Final = np.timedelta64(1, "D")
_SEAL_BYTES: Final = 9


class _Sorted(NamedTuple):
    """Items in the order of a sort.

    Attributes:
        items: int32 [n], positions, best first.
        scores: float64 [n], what they are sorted by; NaN where that is unknown.
    """

    items: Indices
    scores: NDArray[np.float64]


def item_page(
    snapshot: Snapshot, asked: CatalogueQuery, banned: Collection[str] = (), filters: Sequence[str] = ()
) -> ItemPage:
    """Return a page of the available items.

    Args:
        snapshot: The release.
        asked: What the request asks.
        banned: Ids of items that are not shown, as texts.
        filters: What must hold of every item besides the filter that it asks for.

    Raises:
        ConfigurationError: The release has no such category, cannot be sorted so, or gave no such cursor; or a filter
            does not fit it.
        Unavailable: The release has no index, and SQLite cannot make one.
    """
    found = _matching(snapshot, asked, filters, snapshot.offered(banned))
    sort: Sort = asked.sort or ("relevance" if asked.q.strip() else "popular")
    ordered = _SORTS[sort](snapshot, found)
    start = _start(snapshot, ordered.items, asked.after)
    stop = min(start + asked.k, len(ordered.items))
    shown = zip(ordered.items[start:stop].tolist(), ordered.scores[start:stop].tolist(), strict=True)
    trends = snapshot.activity.trends if sort == "trending" else None
    items = []
    for rank, (item, score) in enumerate(shown, start + 1):
        recent = None if trends is None else int(trends.recent[item])
        known = None if np.isnan(score) else round(score, 6)
        items.append(ListedItem(**_fields(snapshot, item), rank=rank, score=known, recent_likes=recent))
    return ItemPage(
        release_id=snapshot.release.release_id,
        sort=sort,
        total=len(ordered.items),
        matched=found.matched,
        related=found.n_related,
        window_days=None if trends is None else trends.days,
        items=items,
        next=_cursor(snapshot, ordered.items, stop) if stop < len(ordered.items) else None,
    )


def item_detail(snapshot: Snapshot, item_id: ExternalId, banned: Collection[str] = ()) -> ItemDetail:
    """Return an item with its likes and prerequisites.

    Args:
        snapshot: The release.
        item_id: The item.
        banned: Ids of items that are not shown, as texts: these are not available.

    Raises:
        NotFound: There is no such item.
    """
    known = require_item(snapshot, item_id)
    catalogue = snapshot.catalogue
    place = catalogue.positions([known])[0]
    required = catalogue.prerequisites[[place]].indices
    return ItemDetail(
        release_id=snapshot.release.release_id,
        item=catalogue.item(known),
        available=bool(snapshot.available[place]) and str(known) not in banned,
        prerequisites=[catalogue.ids[other] for other in sorted(required.tolist())],
        **_measured(snapshot, int(place)),
    )


def _matching(snapshot: Snapshot, asked: CatalogueQuery, filters: Sequence[str], allowed: Mask) -> Found:
    for text in filters if asked.filter is None else (asked.filter, *filters):
        allowed = allowed & snapshot.catalogue.matching(text)
    if asked.category is not None:
        allowed = allowed & with_label(snapshot.catalogue, asked.category)
    if asked.q.strip():
        return snapshot.search.find(asked.q, allowed, related=asked.sort in (None, "relevance"))
    if asked.sort == "relevance":
        raise ConfigurationError("sort=relevance needs words", do="give them as q, or sort by popular, new or trending")
    items = np.flatnonzero(allowed).astype(np.int32)
    return Found(items, np.zeros(len(items)), None)


def _by_relevance(snapshot: Snapshot, found: Found) -> _Sorted:
    return _best_first(found.items, found.scores, snapshot.popularity[found.items])


def _by_popularity(snapshot: Snapshot, found: Found) -> _Sorted:
    return _best_first(found.items, snapshot.popularity[found.items].astype(np.float64))


def _by_age(snapshot: Snapshot, found: Found) -> _Sorted:
    as_of = np.datetime64(snapshot.release.as_of.astimezone(UTC).replace(tzinfo=None))
    ages = (as_of - snapshot.activity.known_since[found.items]) / _DAY
    ordered = _best_first(found.items, np.where(np.isnan(ages), -np.inf, -ages))
    # What came after T is new: its age is none.
    return _Sorted(ordered.items, np.where(np.isinf(ordered.scores), np.nan, np.maximum(-ordered.scores, 0)))


def _by_trend(snapshot: Snapshot, found: Found) -> _Sorted:
    activity = snapshot.activity
    if activity.trends is None:
        what = "nobody liked anything in the months before" if activity.has_times else "the data have no times"
        raise ConfigurationError(
            f"the release has no trends: {what}", seen="sort=trending", do="sort by popular or new"
        )
    return _best_first(found.items, activity.trends.scores[found.items], snapshot.popularity[found.items])


_SORTS: Final[Mapping[Sort, Callable[[Snapshot, Found], _Sorted]]] = {
    "relevance": _by_relevance,
    "popular": _by_popularity,
    "new": _by_age,
    "trending": _by_trend,
}


def _best_first(items: Indices, *keys: NDArray[Any]) -> _Sorted:
    """Sort items by the greatest keys, the first one first; equal ones are sorted by id."""
    order = np.lexsort((items, *(-key for key in reversed(keys))))
    return _Sorted(items[order], keys[0][order])


def _fields(snapshot: Snapshot, item: int) -> dict[str, Any]:
    return {**snapshot.catalogue.describe(snapshot.catalogue.ids[item]), **_measured(snapshot, item)}


def _measured(snapshot: Snapshot, item: int) -> dict[str, Any]:
    since: datetime | None = snapshot.activity.known_since[item].item()
    return {
        "likes": int(snapshot.popularity[item]),
        "known_since": None if since is None else since.replace(tzinfo=UTC),
    }


def _cursor(snapshot: Snapshot, items: Indices, start: int) -> str:
    """Return the cursor of the page that begins at a place; it holds for this order of these items alone."""
    head = f"{snapshot.release.release_id}/{start}"
    seal = blake2b(head.encode() + items.tobytes(), digest_size=_SEAL_BYTES).hexdigest()
    return urlsafe_b64encode(f"{head}/{seal}".encode()).decode()


def _start(snapshot: Snapshot, items: Indices, after: str | None) -> int:
    """Return where the page of a cursor begins."""
    if after is None:
        return 0
    do = "ask again without after"
    try:
        release_id, start, _ = urlsafe_b64decode(after.encode()).decode().split("/")
        place = int(start)
    except ValueError:
        raise ConfigurationError("after is no cursor", seen=after[:100], do="give the next of an answer") from None
    if release_id != snapshot.release.release_id:
        raise ConfigurationError("the cursor is of another release", seen=release_id[:100], do=do)
    if _cursor(snapshot, items, place) != after:
        raise ConfigurationError(
            "the cursor is damaged, or of other parameters, or items changed since", seen=after[:100], do=do
        )
    return place
