"""What the parts of a log must know of each other before they say what is learned from: filters see everybody."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_INDEX, TIMESTAMP, USER_INDEX
from nightschool.contract import Mask
from nightschool.data.dataset import EventLog
from nightschool.data.filters import Elsewhere, Rules, hasty_users, require_few_bots
from nightschool.data.splits.splitting import TEST
from nightschool.errors import DataRefused
from nightschool.spark.jobs import on_executors
from nightschool.spark.parts import Parts, View, items_mask


def with_views(parts: Parts, rules: Rules) -> Parts:
    """Find what the parts of each view must know of each other, and return them knowing it.

    Raises:
        DataRefused: Too many users are suspected bots, or the rules leave nothing to learn from.
    """
    newest: dict[View, datetime | None] = {}
    for view in _VIEWS:
        seen = on_executors(partial(_seen_in, parts.folder, view), range(len(parts)), "filter users")
        require_few_bots(sum(each.bots for each in seen), sum(each.users for each in seen), rules)
        newest[view] = max((each.newest for each in seen if each.newest is not None), default=None)
        np.save(items_mask(parts.folder, view), _frequent_items(parts, view, rules), allow_pickle=False)
    return parts.model_copy(update={"newest": newest})


_VIEWS: Final[tuple[View, ...]] = ("test", "everything")


class _Seen(NamedTuple):
    """What is known of the events of a part that a view learns from."""

    newest: datetime | None
    bots: int
    users: int


def _events_of(folder: Path, view: View, part: int) -> tuple[EventLog, pl.DataFrame]:
    """Return a part's log, and those of its events that a view learns from."""
    parts = Parts.load(folder)
    log = parts.log(part)
    return log, log.rows(log.known if view == "everything" else ~parts.cut(log).part(TEST))


def _seen_in(folder: Path, view: View, part: int) -> _Seen:
    log, events = _events_of(folder, view, part)
    bots = hasty_users(events, log.empty.n_users, log.rules)
    newest: datetime | None = events.select(pl.col(TIMESTAMP).max()).item()
    return _Seen(newest, int(bots.sum()), events[USER_INDEX].n_unique())


def _frequent_items(parts: Parts, view: View, rules: Rules) -> Mask:
    """Return the items of the largest subset in which every user and every item has its minimum, bool [n_items]."""
    n_items = parts.items().empty.n_items
    kept: Mask = np.ones(n_items, dtype=bool)
    if max(rules.min_item_events, rules.min_user_events) == 1:
        return kept
    before = -1
    while True:
        np.save(items_mask(parts.folder, view), kept, allow_pickle=False)
        of_parts = on_executors(partial(_count_items, parts.folder, view), range(len(parts)), "filter items")
        counts = np.sum(of_parts, axis=0)
        kept = np.asarray(counts >= rules.min_item_events)
        if not kept.any():
            raise DataRefused(
                "The filters leave nothing to learn from",
                seen=f"min_user_events={rules.min_user_events}, min_item_events={rules.min_item_events}",
                do="lower them",
            )
        if counts.sum() == before:
            return kept
        before = counts.sum()


def _count_items(folder: Path, view: View, part: int) -> NDArray[np.int64]:
    """Count the events of each item that are left of a part."""
    log, events = _events_of(folder, view, part)
    items = np.load(items_mask(folder, view), allow_pickle=False)
    found = Elsewhere(None, items).filter(events, log.empty.n_users, log.rules)
    left = events.filter(pl.Series(found.teaches(events)))[ITEM_INDEX].to_numpy()
    return np.bincount(left, minlength=log.empty.n_items)
