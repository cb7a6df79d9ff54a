"""Values in order of time: their means around an instant, and where the instant lies among them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import TIMESTAMP
from nightschool.contract import Float32s, Indices, Instants

Seconds = NDArray[np.int64]
Stretch = tuple[NDArray[np.int64], NDArray[np.int64]]

_DAY = 86_400


@dataclass(frozen=True)
class Windows:
    """How far around an instant to look.

    Attributes:
        seconds: To both sides.
        rows: Rows to both sides, in addition to those of the same second.
        one_sided: Rows before the second alone, and after it alone.
    """

    seconds: tuple[int, ...]
    rows: tuple[int, ...]
    one_sided: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Timeline:
    """Rows in order of owner, then time, each with some values.

    Attributes:
        keys: int64 [n], ascending: owner · span + seconds since the origin.
        seconds: int64 [n], the time of each row.
        sums: float64 [n + 1, n_values], of the values of all rows before.
        origin: The second that keys count from.
        span: Seconds that an owner's keys may take.
        windows: How far to look.
    """

    keys: Seconds
    seconds: Seconds
    sums: NDArray[np.float64]
    origin: int
    span: int
    windows: Windows

    @classmethod
    def of(cls, owners: Indices, seconds: Seconds, values: Float32s, windows: Windows) -> Self:
        """Sort rows by owner and time, and sum their values.

        Args:
            owners: int32 [n], whose row each is.
            seconds: int64 [n], at least one.
            values: float32 [n, n_values].
            windows: How far to look.
        """
        margin = max(windows.seconds) + 1
        origin = int(seconds.min()) - 2 * margin
        span = int(seconds.max()) - origin + 2 * margin
        order = np.lexsort((seconds, owners))
        keys = owners[order].astype(np.int64) * span + seconds[order] - origin
        sums = np.pad(np.cumsum(values[order], axis=0, dtype=np.float64), ((1, 0), (0, 0)))
        return cls(keys, seconds[order], sums, origin, span, windows)

    def around(self, owners: Indices, seconds: Seconds) -> Float32s:
        """Summarise an owner's rows around an instant, float32 [n, n_features]; an owner of -1 has none.

        First where the instant lies: rows before it, their share, how many rows there are and how many of them in
        this very second, seconds since the one before and the first and until the one after and the last (-1 where
        there is none), and the instant itself with its time of day. Then for each window its rows, and the mean of
        each value shrunk as if by one row of zeros.
        """
        margin = max(self.windows.seconds) + 1
        within = np.clip(seconds - self.origin, margin, self.span - margin)
        keys = owners.astype(np.int64) * self.span + within
        whole = (self._rows_before(keys - within), self._rows_before(keys - within + self.span))
        second = (self._rows_before(keys), self._rows_before(keys + 1))
        columns = self._place(seconds, whole, second)
        for start, end in self._stretches(keys, whole, second):
            rows = end - start
            means = (self.sums[end] - self.sums[start]) / (rows + 1)[:, None]
            columns += [rows, *means.T]
        return np.stack(columns, axis=1).astype(np.float32)

    def _rows_before(self, keys: Seconds) -> NDArray[np.int64]:
        return np.searchsorted(self.keys, keys)

    def _place(self, seconds: Seconds, whole: Stretch, second: Stretch) -> list[NDArray[np.generic]]:
        (first, last), (start, end) = whole, second
        rows, before = last - first, (start + end) / 2 - first
        gaps = [
            np.where(there, np.abs(seconds - self.seconds[place.clip(0, len(self.seconds) - 1)]), -1)
            for there, place in ((start > first, start - 1), (end < last, end), (rows > 0, first), (rows > 0, last - 1))
        ]
        return [before, before / np.maximum(rows, 1), np.log1p(rows), end - start, *gaps, seconds, seconds % _DAY]

    def _stretches(self, keys: Seconds, whole: Stretch, second: Stretch) -> list[Stretch]:
        (first, last), (start, end) = whole, second
        timed = [(self._rows_before(keys - wide), self._rows_before(keys + wide + 1)) for wide in self.windows.seconds]
        both = [(np.maximum(start - rows, first), np.minimum(end + rows, last)) for rows in self.windows.rows]
        before = [(np.maximum(start - rows, first), start) for rows in self.windows.one_sided]
        after = [(end, np.minimum(end + rows, last)) for rows in self.windows.one_sided]
        return [*timed, *both, *before, *after]


def instants_of(pairs: pl.DataFrame) -> Instants:
    """Return each pair's time, datetime64 [n]; empty where any has none."""
    if TIMESTAMP not in pairs.columns or pairs[TIMESTAMP].null_count():
        return np.empty(0, dtype="datetime64[us]")
    return pairs[TIMESTAMP].dt.replace_time_zone(None).to_numpy()


def seconds_of(instants: Instants) -> Seconds:
    """Convert instants to seconds since 1970, int64 [n]."""
    return instants.astype("datetime64[s]").astype(np.int64)
