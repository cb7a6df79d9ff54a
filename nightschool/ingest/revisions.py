"""Events that come with an id: what comes again is a repeat, a correction, or takes the event back."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import polars as pl

from nightschool.columns import (
    AVAILABLE_AT,
    DELETED,
    DURATION,
    EVENT,
    EVENT_ID,
    INSTANT,
    ITEM_ID,
    LIKED,
    POSITION,
    RATING,
    REASON,
    REVISION,
    TIMESTAMP,
    USER_ID,
)
from nightschool.errors import DataRefused, NightschoolError
from nightschool.ingest.batch import ALREADY_KNOWN, mark

_CONTENT_OF: Final = (USER_ID, ITEM_ID, TIMESTAMP, EVENT, DURATION, LIKED, RATING)
REUSED: Final = "reused_event_id"
"""The reason of a row whose event id belongs to an event of another user or item."""

_TOLERATED_SHARE: Final = 0.01
_TOLERATED_ROWS: Final = 5
"""So many of a file's repeated ids may name another pair before the ids themselves are in doubt."""

_KEY: Final = "key"
_PAIR: Final = "pair"
_CONTENT: Final = "content"
_OWNER: Final = "owner"
_PLACE: Final = "place"
_KNOWN: Final = (_KEY, _PAIR, _CONTENT, REVISION, DELETED, AVAILABLE_AT)
_A_MOMENT: Final = pl.duration(microseconds=1)


class Corrections:
    """The newest revision of every event that has an id, kept as 64-bit hashes.

    A row whose id is known and whose content is the same is a repeat. One whose content differs is the event's next
    revision; the rows before it stay as history. A deletion is a revision too, which needs an event to take back. A row
    of another user or item than the event's is none of these: its id was given twice.
    """

    def __init__(self, interactions: pl.LazyFrame) -> None:
        rows = interactions.filter(pl.col(EVENT_ID).is_not_null())
        hashes = _hashes(rows.collect_schema())
        known = rows.select(*hashes, REVISION, pl.col(DELETED).fill_null(value=False), AVAILABLE_AT)
        self._known = known.sort(REVISION).unique(_KEY, keep="last").select(*_KNOWN).collect()
        self._n_repeated = 0
        self._n_reused = 0

    @contextmanager
    def one_file(self) -> Iterator[None]:
        """Settle the rows of one file within the block; where it raises, nothing of the file is remembered."""
        known = self._known
        self._n_repeated = self._n_reused = 0
        try:
            yield
        except NightschoolError:
            self._known = known
            raise

    def require_identity(self, file: str) -> None:
        """Check that the ids which the file repeats belong to the events that had them before.

        Raises:
            DataRefused: More than max(5, 1 %) of them name another user or item.
        """
        if self._n_reused > max(_TOLERATED_ROWS, _TOLERATED_SHARE * self._n_repeated):
            raise DataRefused(
                f"{file} gives event ids to other events than before",
                seen=f"{self._n_reused:,} of {self._n_repeated:,} repeated ids name another user or item",
                do='if ids restart in each file, say event_id_scope = "file" in [interactions], or leave event_id out',
            )

    def settle(self, frame: pl.DataFrame, *, history: bool, first_seen: datetime) -> pl.DataFrame:
        """Set `revision` and `available_at` of corrections, and a reason in rows that do not count.

        Args:
            frame: Rows in source order with the `available_at` of an event that is new.
            history: Whether a correction that bears a later time is known from that time on.
            first_seen: Since when any other correction is known.
        """
        frame = frame.with_columns(pl.lit(0, pl.Int32).alias(REVISION))
        rows = frame.with_row_index(_PLACE).filter(pl.col(REASON).is_null() & pl.col(EVENT_ID).is_not_null())
        if rows.is_empty():
            return frame
        given = rows.select(*_hashes(rows.columns), pl.col(DELETED).fill_null(value=False), AVAILABLE_AT, _PLACE)
        before = self._known.join(given.select(pl.col(_KEY).unique()), on=_KEY, how="semi")
        is_new = before.is_empty() and given[_KEY].is_unique().all()
        if is_new and not given[DELETED].any():
            self._known = self._known.vstack(given.select(*_columns_of_originals()))
            return frame
        if not is_new:
            frame, given = self._without_reused(frame, before, given)
        chains = _chains(before, given)
        settled = _revised(chains, history, first_seen)
        newest = settled.unique(_KEY, keep="last", maintain_order=True).select(*_KNOWN)
        self._known = pl.concat([self._known.join(newest, on=_KEY, how="anti"), newest])
        return _with_verdicts(frame, chains, settled)

    def _without_reused(
        self, frame: pl.DataFrame, before: pl.DataFrame, given: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Mark rows whose id names another pair than its event; return the frame and the other given rows."""
        owners = pl.concat([before.select(_KEY, _PAIR), given.select(_KEY, _PAIR)]).unique(
            _KEY, keep="first", maintain_order=True
        )
        owned = given.join(owners.rename({_PAIR: _OWNER}), on=_KEY, how="left", maintain_order="left")
        reused = owned[_PAIR] != owned[_OWNER]
        self._n_repeated += given.height - (owners.height - before.height)
        self._n_reused += int(reused.sum())
        if not reused.any():
            return frame, given
        row = pl.int_range(pl.len(), dtype=pl.UInt32)
        frame = mark(frame, row.is_in(given.filter(reused)[_PLACE].implode()), REUSED, EVENT_ID)
        return frame, given.filter(~reused)


def _hashes(names: Collection[str]) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    pair = pl.struct(USER_ID, ITEM_ID).hash().alias(_PAIR)
    deleted = pl.col(DELETED).fill_null(value=False)
    position = pl.col(POSITION) if POSITION in names else pl.lit(None, pl.Float64).alias(POSITION)
    content = [*_CONTENT_OF, deleted, position]
    return pl.col(EVENT_ID).hash().alias(_KEY), pair, pl.struct(content).hash().alias(_CONTENT)


def _columns_of_originals() -> list[pl.Expr]:
    return [pl.lit(0, pl.Int32).alias(REVISION) if name == REVISION else pl.col(name) for name in _KNOWN]


def _chains(before: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """Chain the known and the given rows of each event, without deletions that have nothing to delete."""
    rows = pl.concat([before, given], how="diagonal").sort(_KEY, _PLACE, nulls_last=False)
    finds_nothing = (pl.col(DELETED) & pl.col(_PLACE).is_not_null()).cum_min().over(_KEY)
    return rows.filter(~finds_nothing)


def _revised(chains: pl.DataFrame, history: bool, first_seen: datetime) -> pl.DataFrame:
    """Drop repeats from the chains, and number the revisions with the instant from which each is known."""
    rows = chains.filter((pl.col(_CONTENT) != pl.col(_CONTENT).shift(1).over(_KEY)).fill_null(value=True))
    step = pl.int_range(pl.len(), dtype=pl.Int32).over(_KEY)
    seen, own = pl.lit(first_seen, INSTANT), pl.col(AVAILABLE_AT)
    is_later = pl.lit(history) & (own > own.shift(1).over(_KEY))
    corrects = pl.col(_PLACE).is_not_null() & (step > 0)
    since = pl.when(corrects & ~is_later).then(pl.max_horizontal(own, seen)).otherwise(own)
    # Later than the row before it by a microsecond at least, along the whole chain.
    rows = rows.with_columns((pl.col(REVISION).first().over(_KEY).fill_null(0) + step).alias(REVISION), since)
    return rows.with_columns((pl.col(AVAILABLE_AT) - step * _A_MOMENT).cum_max().over(_KEY) + step * _A_MOMENT)


def _with_verdicts(frame: pl.DataFrame, chains: pl.DataFrame, settled: pl.DataFrame) -> pl.DataFrame:
    revised = settled.filter(pl.col(_PLACE).is_not_null())
    place = revised[_PLACE]
    frame = frame.with_columns(
        frame[REVISION].scatter(place, revised[REVISION]), frame[AVAILABLE_AT].scatter(place, revised[AVAILABLE_AT])
    )
    row = pl.int_range(pl.len(), dtype=pl.UInt32)
    has_id = pl.col(EVENT_ID).is_not_null()
    frame = mark(frame, has_id & ~row.is_in(chains[_PLACE].drop_nulls().implode()), "nothing_to_delete", EVENT_ID)
    return mark(frame, has_id & ~row.is_in(place.implode()), ALREADY_KNOWN, EVENT_ID)
