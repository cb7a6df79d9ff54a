"""Filters of training events: suspected bots, and users and items with too few events."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from nightschool.columns import BOT_EVENT, ITEM_INDEX, TIMESTAMP, USER_INDEX
from nightschool.contract import Indices, Mask
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import ConfigurationError, DataRefused


class Rules(BaseModel):
    """Rules for which events are learned from; by default all, old and new alike, except those of bots."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    half_life_days: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Days after which an event's score counts half; empty: never. Not for ratings.",
    )
    bot_seconds: float = Field(
        default=5.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds since the user's previous event up to which one of the manifest's bots is suspicious.",
    )
    bot_events: int = Field(default=2, ge=0, description="Suspicious events that any user may have.")
    bot_share: float = Field(default=0.2, ge=0, le=1, description="Share of a user's events that may be suspicious.")
    bot_ceiling: float = Field(default=0.05, ge=0, le=1, description="Share of the users that may be suspected bots.")
    min_user_events: int = Field(default=1, ge=1, description="Events that a user needs to be learned from.")
    min_item_events: int = Field(default=1, ge=1, description="Events that an item needs to be learned from.")


def check_rules(rules: Rules, manifest: Manifest) -> None:
    """Raise unless the rules suit the dataset.

    Raises:
        ConfigurationError: Ratings would decay; an old one is no lower on its scale.
    """
    if rules.half_life_days is not None and manifest.score == "rating":
        raise ConfigurationError(
            "half_life_days applies to events, and this dataset holds ratings",
            seen=rules.half_life_days,
            do="leave it out",
        )


@dataclass(frozen=True, eq=False)
class Filtered:
    """The users and items to learn from.

    Attributes:
        bots: bool[n_users], suspected bots.
        users: bool[n_users], users to learn from.
        items: bool[n_items], items to learn from.
    """

    bots: Mask
    users: Mask
    items: Mask

    @classmethod
    def everything(cls, shape: tuple[int, int]) -> Self:
        """Return the filter that keeps all users and items."""
        return cls(np.zeros(shape[0], dtype=bool), np.ones(shape[0], dtype=bool), np.ones(shape[1], dtype=bool))

    def teaches(self, rows: pl.DataFrame) -> Mask:
        """Return which rows of user_index and item_index may be learned from, bool[n]."""
        taught: Mask = self.users[rows[USER_INDEX].to_numpy()] & self.items[rows[ITEM_INDEX].to_numpy()]
        return taught


def filter_events(events: pl.DataFrame, shape: tuple[int, int], rules: Rules) -> Filtered | None:
    """Return which users and items the rules leave to learn from; None if that is all of them.

    Args:
        events: user_index, item_index, timestamp, bot_event; nothing but them decides.
        shape: Number of users and of items.
        rules: How haste and rarity are judged.

    Raises:
        DataRefused: More users than the ceiling allows are suspected bots, or nothing is left.
    """
    bots = suspected_bots(events, shape[0], rules)
    seldom = max(rules.min_user_events, rules.min_item_events) > 1
    if not seldom and not bots.any():
        return None
    found = replace(Filtered.everything(shape), bots=bots, users=~bots)
    if seldom:
        found = _core(events.filter(pl.Series(found.teaches(events))), found, rules)
    teaches = found.teaches(events)
    if not teaches.any():
        raise DataRefused(
            "The filters leave nothing to learn from",
            seen=f"min_user_events={rules.min_user_events}, min_item_events={rules.min_item_events}",
            do="lower them",
        )
    return None if teaches.all() else found


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """What some users' events must know of everybody's before they say who and what is learned from.

    Attributes:
        newest: The time of the newest event; None where no event has one.
        items: bool[n_items], the items with enough events.
    """

    newest: datetime | None
    items: Mask

    def filter(self, events: pl.DataFrame, n_users: int, rules: Rules) -> Filtered:
        """Return which users and items the rules leave to learn from, as `filter_events` would of everybody's events.

        Args:
            events: All events of these users.
            n_users: How many users these are.
            rules: How haste and rarity are judged.
        """
        bots = hasty_users(events, n_users, rules)
        found = Filtered(bots, ~bots, self.items)
        if rules.min_user_events == 1:
            return found
        users = events.filter(pl.Series(found.teaches(events)))[USER_INDEX].to_numpy()
        return replace(found, users=_at_least(rules.min_user_events, users, n_users))


def suspected_bots(events: pl.DataFrame, n_users: int, rules: Rules) -> Mask:
    """Return the users whose events follow each other too fast for a person, bool[n_users].

    They have more than `bot_events` bot events within `bot_seconds` of the user's previous event (of any type, equal
    times in source order), and these are more than `bot_share` of the user's events. Events without a time never count.

    Raises:
        DataRefused: They are more than `bot_ceiling` of the users with events.
    """
    bots = hasty_users(events, n_users, rules)
    require_few_bots(int(bots.sum()), events[USER_INDEX].n_unique(), rules)
    return bots


def hasty_users(events: pl.DataFrame, n_users: int, rules: Rules) -> Mask:
    """Return what `suspected_bots` does, however many they are."""
    if not events[BOT_EVENT].any():
        return np.zeros(n_users, dtype=bool)
    # Two stable sorts by one key each are several times as fast as one by both.
    in_time = events.select(USER_INDEX, TIMESTAMP, BOT_EVENT).sort(TIMESTAMP, maintain_order=True)
    ordered = in_time.sort(USER_INDEX, maintain_order=True)
    since = pl.col(TIMESTAMP).diff().dt.total_microseconds() <= rules.bot_seconds * 1e6
    hasty = ordered.filter(pl.col(BOT_EVENT) & since & (pl.col(USER_INDEX) == pl.col(USER_INDEX).shift()))
    counts, of_all = (np.bincount(rows[USER_INDEX].to_numpy(), minlength=n_users) for rows in (hasty, events))
    bots: Mask = (counts > rules.bot_events) & (counts / np.maximum(of_all, 1) > rules.bot_share)
    return bots


def require_few_bots(n_bots: int, n_users: int, rules: Rules) -> None:
    """Raise where more of the users with events are suspected bots than the ceiling allows.

    Raises:
        DataRefused: They are.
    """
    share = n_bots / max(n_users, 1)
    if share > rules.bot_ceiling:
        raise DataRefused(
            "Too many users are suspected bots",
            seen=f"{share:.1%} of {n_users:,}, above bot_ceiling={rules.bot_ceiling:g}",
            do="correct the manifest's bots, or loosen bot_seconds, bot_events, bot_share or bot_ceiling",
        )


def _core(events: pl.DataFrame, found: Filtered, rules: Rules) -> Filtered:
    """Return the largest subset of the events in which every user and item has its minimum of events.

    Reference:
        Seidman, "Network structure and minimum degree", 1983 (the k-core, here of a bipartite graph with repeats).
    """
    users, items = events[USER_INDEX].to_numpy(), events[ITEM_INDEX].to_numpy()
    left = np.ones(len(users), dtype=bool)
    while True:
        enough_users = _at_least(rules.min_user_events, users[left], len(found.users))
        enough_items = _at_least(rules.min_item_events, items[left], len(found.items))
        still = enough_users[users] & enough_items[items]
        if still.sum() == left.sum():
            return Filtered(found.bots, enough_users, enough_items)
        left = still


def _at_least(minimum: int, indices: Indices, n: int) -> Mask:
    counts: NDArray[np.int64] = np.bincount(indices, minlength=n)
    return counts >= minimum
