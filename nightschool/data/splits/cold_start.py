"""Cold-start splits: whole users or items held out, which a model never saw."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nightschool.columns import ITEM_INDEX, USER_INDEX
from nightschool.contract import Mask, Split
from nightschool.data.dataset import EventLog
from nightschool.data.splits.protocols import instants, places_in_groups
from nightschool.data.splits.splitting import TEST, TRAIN, VALIDATION, Cut
from nightschool.hashing import UInt64s, hash_ids, hash_pairs

USERS: Final = "leave-users"
ITEMS: Final = "leave-items"
PROTOCOLS: Final = (USERS, ITEMS)

SHARE = 0.2
FIRST_EVENTS: Final = (1, 3, 5)
"""How many events of a new user are known before they are measured."""


def leave_out(log: EventLog, protocol: str, *, seed: int) -> Cut:
    """Cut whole users or items: a fifth is held out for the test, and a fifth of the others for tuning.

    Who they are, a seeded hash of their ids decides.
    """
    column, ids = (USER_INDEX, log.empty.user_ids) if protocol == USERS else (ITEM_INDEX, log.empty.item_ids)
    hashes = hash_ids(ids)
    owners = log.events[column].to_numpy()
    # A given hold-out is for --protocol given alone: nothing here learns from it or is measured on it.
    labels = np.full(log.events.height, TRAIN, dtype=np.int8)
    for label in (TEST, VALIDATION):
        held = _draw(owners[log.known & (labels == TRAIN)], hashes, seed)
        labels[held[owners]] = label
    return Cut(labels, protocol)


def first_events(log: EventLog, cut: Cut, label: int, count: int, *, seed: int) -> Split:
    """Split off what a label's users do after their first `count` events, which models see but do not learn from.

    The first are those of the earliest times; without times, those of the lowest hash(seed, user_id, item_id). Whoever
    has no more than the largest of `FIRST_EVENTS` is not measured, so that all counts are measured on the same users.

    Args:
        log: Every event.
        cut: From `leave_out`, of users.
        label: VALIDATION, or TEST; the test's users are unknown to the split of validation.
        count: Events that are known of each user.
        seed: Seed of the hash.
    """
    learned = (cut.labels < label) & log.known
    theirs = (cut.labels == label) & log.known
    first = theirs & (_places(log, seed) < count)
    users = log.events[USER_INDEX].to_numpy()
    n_theirs = np.bincount(users[theirs], minlength=log.empty.n_users)
    measured = theirs & ~first & (n_theirs > FIRST_EVENTS[-1])[users]
    split = log.split(_NAMES[label], cut.protocol, learned | first, measured, None)
    dataset = split.fitted
    known = (n_theirs == 0)[dataset.interactions[USER_INDEX].to_numpy()]
    taught = known if dataset.learned is None else known & dataset.learned
    return replace(split, fitted=replace(dataset, learned=taught))


def new_items(log: EventLog, cut: Cut, label: int) -> Split:
    """Split off the events of a label's items, from which nothing is learned; the whole catalogue is candidates.

    Args:
        log: Every event.
        cut: From `leave_out`, of items.
        label: VALIDATION or TEST.
    """
    learned, theirs = ((cut.labels < label) & log.known, (cut.labels == label) & log.known)
    return log.split(_NAMES[label], cut.protocol, learned, theirs, None)


def among_new(split: Split) -> Split:
    """Restrict the candidates of a split to its held-out items."""
    new = np.zeros(split.fitted.n_items, dtype=bool)
    new[split.held_out[ITEM_INDEX].to_numpy()] = True
    return replace(split, fitted=replace(split.fitted, available=split.fitted.available & new))


_NAMES = {VALIDATION: "validation", TEST: "test"}


def _draw(owners: NDArray[np.int32], hashes: UInt64s, seed: int) -> Mask:
    """Draw a share, rounded, of those that own a row, bool[n]."""
    present = np.unique(owners)
    order = hash_pairs(hashes[present], np.zeros(1, dtype=np.uint64), seed=seed)
    drawn = np.zeros(len(hashes), dtype=bool)
    drawn[present[np.argsort(order, kind="stable")[: round(SHARE * len(present))]]] = True
    return drawn


def _places(log: EventLog, seed: int) -> NDArray[np.int64]:
    """Count the events of each event's user before it, int64[n_events]; equal times in source order."""
    users, items = (log.events[column].to_numpy() for column in (USER_INDEX, ITEM_INDEX))
    if log.has_time:
        return places_in_groups(users, instants(log.events))
    user_hashes, item_hashes = hash_ids(log.empty.user_ids), hash_ids(log.empty.item_ids)
    return places_in_groups(users, hash_pairs(user_hashes[users], item_hashes[items], seed=seed))
