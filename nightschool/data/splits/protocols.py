"""The named ways to hold events out: each tells, among some rows of a log, which to hold out."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_INDEX, TIMESTAMP, USER_INDEX
from nightschool.contract import Mask
from nightschool.data.dataset import EventLog
from nightschool.hashing import hash_ids, hash_pairs

Divide = Callable[[EventLog, Mask, int], Mask]
"""(log, bool[n_events] rows to divide, seed) → bool[n_events], those held out; a subset of the rows."""

HowMany = Callable[[NDArray[np.int64]], NDArray[np.int64]]

TEST_SHARE = 0.2
TRAIN_SHARE_OF_AN_ITEM = 0.75

SESSION_MINUTES: Final = 30.0
"""The gap between two events of a user that ends a session."""

STRICT: Final = frozenset({"leave-one-out"})
"""Protocols on whose test models read what validation held out, and learn nothing from it."""

_MINUTE = 60_000_000  # microseconds
WINDOWS: Final = 2  # more would learn from ever fewer pairs


def temporal_user(log: EventLog, rows: Mask, _seed: int) -> Mask:
    """Hold out each user's last 20 % of rows (rounded; at least three rows give one), equal times in source order."""
    return _mark_last(log, rows, share_of)


def leave_last(log: EventLog, rows: Mask, _seed: int) -> Mask:
    """Hold out each user's last row, for users with two or more."""
    return _mark_last(log, rows, one_of)


def last_session(log: EventLog, rows: Mask, _seed: int, *, minutes: float = SESSION_MINUTES) -> Mask:
    """Hold out each user's last session, for users with two or more: what follows their last gap of so many minutes."""
    positions = np.flatnonzero(rows)
    events = log.events.select(USER_INDEX, TIMESTAMP)[positions]
    # Half of the lowest number keeps differences from overflowing.
    users, times = events[USER_INDEX].to_numpy(), np.maximum(instants(events), np.iinfo(np.int64).min // 2)
    order = _stable_order(users, times)
    users, times = users[order], times[order]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (users[1:] != users[:-1]) | (np.diff(times) > minutes * _MINUTE)
    sessions = np.cumsum(starts)
    ends = np.cumsum(np.bincount(users))[users] - 1
    held = (sessions == sessions[ends]) & (np.bincount(users, weights=starts)[users] > 1)
    return _mark(len(rows), positions[order[held]])


def random_user(log: EventLog, rows: Mask, seed: int, *, share: float = TEST_SHARE) -> Mask:
    """Hold out a share of each user's pairs: those with the highest hash(seed, user_id, item_id), with repeats."""
    positions = np.flatnonzero(rows)
    users = log.events[USER_INDEX].to_numpy()[positions]
    items = log.events[ITEM_INDEX].to_numpy()[positions]
    user_hashes = hash_ids(log.empty.user_ids)
    item_hashes = hash_ids(log.empty.item_ids)
    hashes = hash_pairs(user_hashes[users], item_hashes[items], seed=seed)
    order = _stable_order(users, hashes, items)
    users, items = users[order], items[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (users[1:] != users[:-1]) | (items[1:] != items[:-1])
    pairs = np.bincount(users[fresh], minlength=log.empty.n_users)
    place = np.cumsum(fresh) - 1 - (np.cumsum(pairs) - pairs)[users]
    held = place >= (pairs - share_of(pairs, share))[users]
    return _mark(len(rows), positions[order[held]])


def stratified_item(log: EventLog, rows: Mask, seed: int) -> Mask:
    """Hold out all but the first round(0.75 n) of each item's n rows, ordered by random numbers.

    The numbers are those of NumPy's legacy `seed(seed); rand(n)`, as the published tables on this split drew them.
    """
    positions = np.flatnonzero(rows)
    items = log.events[ITEM_INDEX].to_numpy()[positions]
    place = places_in_groups(items, np.random.RandomState(seed).random_sample(len(positions)))
    held = place >= np.round(TRAIN_SHARE_OF_AN_ITEM * np.bincount(items))[items]
    return _mark(len(rows), positions[held])


PROTOCOLS: dict[str, tuple[Divide, Divide]] = {
    "temporal-user": (temporal_user, temporal_user),
    "random-user": (random_user, partial(random_user, share=0.125)),  # 70/10/20
    "stratified-item": (stratified_item, stratified_item),
    "leave-last": (leave_last, leave_last),
    "leave-one-out": (leave_last, leave_last),
    "next-session": (last_session, last_session),
}
"""Name to how the test is held out, and how the tuning cut is held out from the rest."""

NEEDS_ORDER: Final = frozenset({"temporal-user", "leave-last", "leave-one-out"})
NEEDS_TIME: Final = frozenset({"temporal", "next-session"})


def _mark_last(log: EventLog, rows: Mask, how_many: HowMany) -> Mask:
    positions = np.flatnonzero(rows)
    events = log.events.select(USER_INDEX, TIMESTAMP)[positions]
    last = last_of_each_user(events[USER_INDEX].to_numpy(), instants(events), how_many)
    return _mark(len(rows), positions[last])


def last_of_each_user(users: NDArray[np.int32], keys: NDArray[Any], how_many: HowMany) -> Mask:
    """Return the last of each user's rows by the keys, bool[n_rows]; equal keys keep their order.

    Args:
        users: The user of each row.
        keys: What orders the rows, such as their times.
        how_many: How many to take of users with so many rows.
    """
    counts = np.bincount(users)
    held: Mask = places_in_groups(users, keys) >= (counts - how_many(counts))[users]
    return held


def one_of(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one of two events or more, and none of fewer."""
    return (counts > 1).astype(np.int64)


def instants(events: pl.DataFrame) -> NDArray[np.int64]:
    """Return each event's time in microseconds, int64[n_events]; events without a time precede all."""
    lowest = np.iinfo(np.int64).min
    return events[TIMESTAMP].to_physical().fill_null(lowest).to_numpy()


def places_in_groups(groups: NDArray[np.int32], keys: NDArray[Any]) -> NDArray[np.int64]:
    """Count the rows of its group before each row by the keys, int64[n_rows]; equal rows keep their order."""
    order = _stable_order(groups, keys)
    counts = np.bincount(groups)
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order)) - (np.cumsum(counts) - counts)[groups[order]]
    return places


def _stable_order(*keys: NDArray[Any]) -> NDArray[np.uint32]:
    """Return the row numbers sorted by the first key, then the next; equal rows keep their order."""
    frame = pl.DataFrame([pl.Series(str(place), key) for place, key in enumerate(keys)])
    return frame.select(pl.arg_sort_by(frame.columns, maintain_order=True)).to_series().to_numpy()


def share_of(counts: NDArray[np.int64], share: float = TEST_SHARE) -> NDArray[np.int64]:
    """Return a share of a number of events, rounded."""
    rounded: NDArray[np.int64] = np.floor(counts * share + 0.5).astype(np.int64)
    return rounded


def _mark(length: int, positions: NDArray[np.int64]) -> Mask:
    mask = np.zeros(length, dtype=bool)
    mask[positions] = True
    return mask
