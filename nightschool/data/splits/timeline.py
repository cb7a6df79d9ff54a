"""How events and users lie in time, as counts that add up over users apart: what tells where a log can be cut."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_INDEX, RELEVANT, USER_INDEX
from nightschool.data.dataset import EventLog
from nightschool.data.splits.protocols import instants

Int64s = NDArray[np.int64]

_DAY = 86_400_000_000  # microseconds
_UNTIMED = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Ends:
    """The first and the last time of some events, in microseconds, and how many events there are.

    Attributes:
        oldest: None where no event has a time.
        newest: None likewise.
        timed: Events with a time.
        events: All that may be learned from.
    """

    oldest: int | None
    newest: int | None
    timed: int
    events: int

    @classmethod
    def of(cls, log: EventLog) -> "Ends":
        """Find them among the events of a log that may be learned from."""
        times = instants(log.rows(log.known))
        timed = times[times > _UNTIMED]
        if not len(timed):
            return cls(None, None, 0, len(times))
        return cls(int(timed.min()), int(timed.max()), len(timed), len(times))

    def __add__(self, other: "Ends") -> "Ends":
        """Return the ends of both."""
        oldest, newest = (
            best((end for end in pair if end is not None), default=None)
            for best, pair in ((min, (self.oldest, other.oldest)), (max, (self.newest, other.newest)))
        )
        return Ends(oldest, newest, self.timed + other.timed, self.events + other.events)

    @property
    def has_time(self) -> bool:
        """Whether most of the events have a time."""
        return 2 * self.timed > self.events

    @property
    def longest(self) -> int:
        """The most days that validation and test may take each: half of all; 0 without times."""
        return 0 if self.oldest is None or self.newest is None else (self.newest - self.oldest) // (2 * _DAY)


@dataclass(frozen=True, eq=False)
class Timeline:
    """How many events and users lie how many whole days before the newest event; the last entry counts all before too.

    Attributes:
        ends: The ends of all events.
        events: int64[longest + 1], events with a time.
        first: int64[longest + 1], users who ever find a relevant item, by their first event.
        last: int64[longest + 1], the same users, by the last time that they find one.
    """

    ends: Ends
    events: Int64s
    first: Int64s
    last: Int64s

    @classmethod
    def of(cls, log: EventLog, ends: Ends) -> "Timeline":
        """Count the events of a log that may be learned from, given the ends of those of all users."""
        rows = log.rows(log.known)
        times = instants(rows)
        events = rows.select(USER_INDEX, ITEM_INDEX, RELEVANT, time=pl.Series(times))
        pairs = events.group_by(USER_INDEX, ITEM_INDEX).agg(pl.col("time").min(), pl.col(RELEVANT).any())
        users = pairs.group_by(USER_INDEX).agg(
            first=pl.col("time").min(), last=pl.col("time").filter(pl.col(RELEVANT)).max()
        )
        users = users.drop_nulls("last")
        counted = (times[times > _UNTIMED], users["first"].to_numpy(), users["last"].to_numpy())
        return cls(ends, *(_by_days(each, ends) for each in counted))

    def __add__(self, other: "Timeline") -> "Timeline":
        """Return the counts of both; their ends are the same."""
        parts = {name: getattr(self, name) + getattr(other, name) for name in ("events", "first", "last")}
        return replace(self, **parts)

    def window(self, least_days: int, min_users: int, max_share: float) -> int | None:
        """Return the fewest days that give the test enough users; None if that takes too many events or all the past.

        Args:
            least_days: The fewest days that are asked for.
            min_users: Users that the test needs, who were there before it and find a new relevant item in it.
            max_share: The largest share of the events that the test may take.
        """
        days = np.arange(least_days, self.ends.longest + 1)
        if not len(days):
            return None
        before = (np.cumsum(counts[::-1])[::-1][days] for counts in (self.first, self.last))
        users = np.subtract(*before)
        shares = np.cumsum(self.events)[days - 1] / self.ends.events
        enough = np.flatnonzero((users >= min_users) & (shares <= max_share))
        return int(days[enough[0]]) if len(enough) else None


def _by_days(times: Int64s, ends: Ends) -> Int64s:
    newest, longest = ends.newest or 0, ends.longest
    # What has no time lies before everything; as a difference it would overflow.
    days = (newest - np.maximum(times, ends.oldest or 0)) // _DAY
    days[times == _UNTIMED] = longest
    return np.bincount(np.minimum(days, longest), minlength=longest + 1)
