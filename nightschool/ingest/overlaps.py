"""Detection of re-delivered rows that have no event id."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from nightschool.columns import (
    DELETED,
    DURATION,
    EVENT,
    EVENT_ID,
    ITEM_ID,
    LIKED,
    POSITION,
    RATING,
    SOURCE_FILE,
    TIMESTAMP,
    USER_ID,
)
from nightschool.errors import DataRefused

_CONTENT_OF: Final = (USER_ID, ITEM_ID, TIMESTAMP, EVENT, DURATION, LIKED, RATING, DELETED, POSITION)
_KEY_OF: Final = (USER_ID, ITEM_ID, TIMESTAMP, EVENT)
_KEY: Final = "key"
_CONTENT: Final = "content"
_PLACE: Final = "place"
_ROWS: Final = "rows"
_KNOWN: Final = "known"


@dataclass(frozen=True)
class Overlap:
    """What a file shares with known ones.

    Attributes:
        known: Boolean, for each row of the file whether a known file holds it.
        files: The known files that the file was delivered in before, in whole or in part.
        conflict: How its other rows contradict those files, in words; None where they only add to them.
    """

    known: pl.Series
    files: tuple[str, ...] = ()
    conflict: str | None = None

    def require_consistent(self, file: str) -> None:
        """Check that the file's other rows are new, and no changed forms of known rows.

        Raises:
            DataRefused: They cannot; nothing says which of the known rows they replace.
        """
        if self.conflict is not None:
            raise DataRefused(
                f"{file} was delivered before as {', '.join(self.files[:3])}, and differs",
                seen=self.conflict,
                do=f"give events an event_id, or add the rows that are not known: nightschool sources accept '{file}'",
            )


def find_overlap(rows: pl.DataFrame, known: Sequence[pl.LazyFrame], file: str) -> Overlap:
    """Compare a file's rows with those of the known files.

    A known file is a partner when more than half of the rows of the smaller of the two are in both. Rows are known when
    more than half of the file's rows are held by known files (of rows without a time, by partners: a pair may repeat),
    or when the file is the new form of one of the same name; of equal rows as many as those files hold. Rows with an
    event id are left alone: their id says what they are.

    Args:
        rows: Rows of the interactions table, all of one file.
        known: Rows of the table; those that lie in the file's span of time are looked at.
        file: The file's name.
    """
    nothing = Overlap(pl.repeat(value=False, n=rows.height, eager=True, dtype=pl.Boolean))
    bare = rows.with_row_index(_PLACE).filter(pl.col(EVENT_ID).is_null())
    if bare.is_empty():
        return nothing
    hashes = _hashes(bare.columns)
    given = bare.select(_PLACE, TIMESTAMP, *hashes)
    near = pl.concat(_near(frame, given, hashes) for frame in known).collect(engine="streaming")
    shared = _shared_by_file(given, near)
    if shared.is_empty():
        return nothing
    sized = shared.join(_sizes(known, shared[SOURCE_FILE]), on=SOURCE_FILE)
    partners = sized.filter(2 * pl.col(_ROWS) > pl.min_horizontal("size", pl.lit(given.height)))
    holders = sized if given[TIMESTAMP].null_count() == 0 else partners
    if not _is_delivered_again(holders, partners, given.height, file):
        return nothing
    theirs = near.filter(pl.col(SOURCE_FILE).is_in(holders[SOURCE_FILE].implode()))
    is_known = _matched(given, theirs, _CONTENT)
    marked = given.with_columns(is_known.alias(_KNOWN))
    if n_changed := _count_changed(marked, theirs):
        conflict: str | None = f"{n_changed:,} of its {given.height:,} rows have another content now"
    else:
        conflict = _exchanged(marked, theirs, known, partners[SOURCE_FILE])
    places = given[_PLACE].filter(is_known)
    files = tuple(holders.sort(_ROWS, SOURCE_FILE, descending=[True, False])[SOURCE_FILE])
    return Overlap(nothing.known.scatter(places, values=True), files, conflict)


def _hashes(names: Collection[str]) -> tuple[pl.Expr, pl.Expr]:
    said = [name for name in _CONTENT_OF if name in names]
    content = [pl.col(name).fill_null(value=False) if name == DELETED else pl.col(name) for name in said]
    return pl.struct(_KEY_OF).hash().alias(_KEY), pl.struct(content).hash().alias(_CONTENT)


def _near(frame: pl.LazyFrame, given: pl.DataFrame, hashes: Sequence[pl.Expr]) -> pl.LazyFrame:
    """Return the known rows without an event id that lie in the span of time of the given ones, with their hashes."""
    low, high = given[TIMESTAMP].min(), given[TIMESTAMP].max()
    in_span = pl.col(TIMESTAMP).is_between(low, high).fill_null(value=False) if low is not None else pl.lit(value=False)
    if given[TIMESTAMP].null_count():
        in_span |= pl.col(TIMESTAMP).is_null()
    rows = frame.filter(pl.col(EVENT_ID).is_null() & in_span)
    return rows.select(pl.col(SOURCE_FILE).cast(pl.String), TIMESTAMP, *hashes)


def _shared_by_file(given: pl.DataFrame, near: pl.DataFrame) -> pl.DataFrame:
    """Count how many of the given rows each known file holds by their key: source_file, rows."""
    mine = given.group_by(_KEY).agg(pl.len().alias("mine"))
    theirs = near.join(mine, on=_KEY, how="semi").group_by(SOURCE_FILE, _KEY).agg(pl.len().alias("theirs"))
    both = theirs.join(mine, on=_KEY).select(SOURCE_FILE, pl.min_horizontal("mine", "theirs").alias(_ROWS))
    return both.group_by(SOURCE_FILE).agg(pl.col(_ROWS).sum().cast(pl.Int64))


def _is_delivered_again(holders: pl.DataFrame, partners: pl.DataFrame, n_rows: int, file: str) -> bool:
    """Return whether most of the file's rows are known, or it holds most of what its name held before."""
    is_renewed = (partners[SOURCE_FILE] == file) & (2 * partners[_ROWS] > partners["size"])
    return 2 * int(holders[_ROWS].sum()) > n_rows or bool(is_renewed.any())


def _sizes(known: Sequence[pl.LazyFrame], files: pl.Series) -> pl.DataFrame:
    of_files = [
        frame.filter(pl.col(SOURCE_FILE).cast(pl.String).is_in(files.implode()), pl.col(EVENT_ID).is_null())
        .group_by(pl.col(SOURCE_FILE).cast(pl.String))
        .agg(pl.len().alias("size"))
        for frame in known
    ]
    rows = pl.concat(of_files).group_by(SOURCE_FILE).agg(pl.col("size").sum().cast(pl.Int64))
    return rows.collect(engine="streaming")


def _matched(given: pl.DataFrame, theirs: pl.DataFrame, by: str) -> pl.Series:
    """Return for each given row whether the known rows hold it; of equal ones the first, as many as there are."""
    counts = theirs.group_by(by).agg(pl.len().alias("held"))
    turn = given.select(by, pl.int_range(pl.len()).over(by).alias("turn"))
    held = turn.join(counts, on=by, how="left", maintain_order="left")
    return held.select((pl.col("turn") < pl.col("held")).fill_null(value=False)).to_series()


def _exchanged(
    given: pl.DataFrame, theirs: pl.DataFrame, known: Sequence[pl.LazyFrame], partners: pl.Series
) -> str | None:
    """Return how rows were exchanged between the file and its partners, in words; None where it only adds to them.

    They were where each of the two lacks rows of the other within the span of time of both: a window that moves on
    lacks none there.
    """
    low, high = _span(known, partners)
    n_new = given.filter(~pl.col(_KNOWN)).filter(_inside(low, high)).height
    kept = theirs.filter(pl.col(SOURCE_FILE).is_in(partners.implode()))
    gone = kept.filter(~_matched(kept, given, _CONTENT))
    n_gone = gone.filter(_inside(given[TIMESTAMP].min(), given[TIMESTAMP].max())).height
    if n_new and n_gone and len(partners):
        return f"{n_new:,} of its {given.height:,} rows are new and {n_gone:,} known ones are missing"
    return None


def _count_changed(given: pl.DataFrame, theirs: pl.DataFrame) -> int:
    """Return how many rows both have by their key, and not by their content."""
    mine = given.group_by(_KEY).agg(pl.len().alias("mine"), pl.col(_KNOWN).sum().alias("same"))
    both = mine.join(theirs.group_by(_KEY).agg(pl.len().alias("theirs")), on=_KEY)
    changed = pl.min_horizontal(pl.col("mine").cast(pl.Int64), pl.col("theirs").cast(pl.Int64)) - pl.col("same")
    n_changed: int = both.select(changed.clip(0).sum()).item()
    return n_changed


def _span(known: Sequence[pl.LazyFrame], partners: pl.Series) -> tuple[Any, Any]:
    rows = pl.concat(
        frame.filter(pl.col(SOURCE_FILE).cast(pl.String).is_in(partners.implode())).select(TIMESTAMP) for frame in known
    )
    low, high = (
        rows.select(pl.col(TIMESTAMP).min().alias("low"), pl.col(TIMESTAMP).max().alias("high")).collect().row(0)
    )
    return low, high


def _inside(low: Any, high: Any) -> pl.Expr:
    """Return whether a row lies between two instants, neither included; one without a time always does."""
    if low is None or high is None:
        return pl.lit(value=True)
    return pl.col(TIMESTAMP).is_between(low, high, closed="none").fill_null(value=True)
