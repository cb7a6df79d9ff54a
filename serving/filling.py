"""Fill a narrowed list beyond its pool, from the whole catalogue: by history, then by popularity."""

import numpy as np
import polars as pl

from nightschool.contract import Indices, Mask
from nightschool.vocabulary import POPULARITY
from serving.candidates import Candidates, Scorer
from serving.catalogue import Catalogue
from serving.listing import Entry, picked_list
from serving.rules import Rules
from serving.snapshot import Snapshot
from serving.user_state import UserState


def filled(snapshot: Snapshot, user: UserState, made: list[Entry], rules: Rules, allowed: Mask, k: int) -> list[Entry]:
    """Extend a list to k entries with other items that may be shown; these are marked `filled`.

    First come items with a positive weight to the user's history, then the others by how many users liked them. The
    quota counts over the whole list.
    """
    catalogue = snapshot.catalogue
    there = catalogue.positions(entry["item_id"] for entry in made)
    left = allowed.copy()
    left[there] = False
    near = Scorer(snapshot, user).by_history(np.flatnonzero(left).astype(np.int32))
    if near is not None:
        left[near.items] = False
    others = np.flatnonzero(left).astype(np.int32)
    popular = others[np.argsort(-snapshot.popularity[others], kind="stable")]
    liked = snapshot.popularity[popular].astype(np.float32)
    parts = [*([near] if near else []), Candidates(popular, liked, {POPULARITY: liked})]
    more: list[Entry] = []
    for part in parts:
        places = _within_quota(catalogue, there, part.items, rules.quota)[: k - len(made) - len(more)]
        there = np.concatenate([there, part.items[places]])
        more += picked_list(snapshot, user, part, places.tolist())
    ranked = enumerate(more, start=len(made) + 1)
    return [*made, *({**entry, "rank": rank, "filled": True} for rank, entry in ranked)]


def _within_quota(catalogue: Catalogue, there: Indices, items: Indices, quota: int | None) -> Indices:
    """Return the positions of the items that the quota still allows, in their order."""
    if quota is None:
        return np.arange(len(items), dtype=np.int32)
    kinds = pl.DataFrame({"kind": np.concatenate([catalogue.kinds[there], catalogue.kinds[items]])})
    nth = kinds.select(pl.int_range(pl.len()).over("kind")).to_series().to_numpy()[len(there) :]
    return np.flatnonzero((nth < quota) | (catalogue.kinds[items] < 0)).astype(np.int32)
