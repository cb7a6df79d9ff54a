"""When each item became known, and which were liked more of late than before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from nightschool.columns import ALWAYS, AVAILABLE_AT, ITEM_ID, SCORE, TIMESTAMP

WINDOWS: Final = (7, 14, 28, 91)
"""Days that trends may be over: the first window with enough likes, else the last."""

ENOUGH: Final = 100
"""Likes of all items together that a window needs."""

_BEFORE: Final = 4
"""Windows before the newest that say what to expect."""


class Trends(NamedTuple):
    """How much more items were liked in the newest window than the ones before say.

    Attributes:
        days: The length of a window.
        recent: int64 [n_items], likes in the newest one.
        scores: float64 [n_items], (recent − expected) / √(expected + 1); expected is the mean of the windows before.
    """

    days: int
    recent: NDArray[np.int64]
    scores: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ItemActivity:
    """What the histories of a release say of items over time.

    Attributes:
        known_since: datetime64[us] [n_items], UTC; NaT where it is unknown.
        has_times: Whether most of the histories have times.
        trends: None where the data have no times, or nobody liked anything in the longest window.
    """

    known_since: NDArray[np.datetime64]
    has_times: bool
    trends: Trends | None

    @classmethod
    def of(cls, histories: Path, items: pl.DataFrame, as_of: datetime) -> Self:
        """Read the times of histories.

        An item is known since its table says, or since somebody's history first holds it where that is earlier.

        Args:
            histories: The release's file of histories.
            items: The items by position: item_id and available_at.
            as_of: T, where the newest window ends.
        """
        rows = _entries(histories)
        first = rows.group_by(ITEM_ID).agg(pl.len(), pl.col(TIMESTAMP).count().alias("timed"), pl.col(TIMESTAMP).min())
        used = first.collect()
        has_times = bool(2 * used["timed"].sum() > used["len"].sum())
        placed = items.select(ITEM_ID, AVAILABLE_AT).join(used, on=ITEM_ID, how="left", maintain_order="left")
        declared = pl.when(pl.col(AVAILABLE_AT) > ALWAYS).then(AVAILABLE_AT)
        since = placed.select(pl.min_horizontal(declared, TIMESTAMP).dt.replace_time_zone(None)).to_series()
        trends = _trends(rows, items.select(ITEM_ID), as_of) if has_times else None
        return cls(since.to_numpy(), has_times, trends)


def _entries(histories: Path) -> pl.LazyFrame:
    """Return item_id, score and timestamp of all histories as they lie in the mapped file: exploding copies them."""
    with pa.memory_map(str(histories)) as source, pa.ipc.open_file(source) as reader:
        batch = reader.get_batch(0)
    columns = {name: batch.column(name).values for name in (ITEM_ID, SCORE, TIMESTAMP)}
    return pl.DataFrame({name: pl.Series(name, column) for name, column in columns.items()}).lazy()


def _trends(rows: pl.LazyFrame, items: pl.DataFrame, as_of: datetime) -> Trends | None:
    likes = rows.filter(pl.col(SCORE) > 0, pl.col(TIMESTAMP) <= as_of)
    per_window = likes.select(_since(as_of, days).sum().alias(str(days)) for days in WINDOWS)
    counts, oldest = pl.collect_all([per_window, rows.select(pl.col(TIMESTAMP).min())])
    if not counts[str(WINDOWS[-1])].item():
        return None
    days = next((days for days in WINDOWS if counts[str(days)].item() >= ENOUGH), WINDOWS[-1])
    recent, counted = _since(as_of, days), _since(as_of, days * (1 + _BEFORE))
    by_item = (
        likes.filter(counted).group_by(ITEM_ID).agg(recent.sum().alias("recent"), pl.len().alias("both")).collect()
    )
    placed = items.join(by_item, on=ITEM_ID, how="left", maintain_order="left").fill_null(0)
    # Data that begin within the windows before have fewer of them.
    n_before = min(max((as_of - oldest.item()) / timedelta(days=days) - 1, 1.0), _BEFORE)
    newest, both = placed["recent"].to_numpy().astype(np.int64), placed["both"].to_numpy().astype(np.int64)
    expected = (both - newest) / n_before
    return Trends(days, newest, (newest - expected) / np.sqrt(expected + 1))


def _since(as_of: datetime, days: int) -> pl.Expr:
    return pl.col(TIMESTAMP) > as_of - timedelta(days=days)
