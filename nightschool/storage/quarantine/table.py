"""The quarantine: what lies in it and why, and the removal of what a retry has taken in."""

from typing import Final

import polars as pl

from nightschool.columns import (
    AVAILABLE_AT,
    DETAIL,
    DISMISSED,
    INTERACTIONS,
    ITEM_ID,
    ITEMS,
    QUARANTINE,
    REASON,
    ROW,
    ROWS,
    SOURCE_FILE,
    SOURCE_ROW,
    SUPERSEDED,
    TABLE,
    USER_ID,
    USERS,
)
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.normalization.quarantine_rows import LINE
from nightschool.storage.lake import Lake

RETRIED: Final = "retried"
"""The reason of a row that a retry found good, until the table holds it."""

PLACE: Final = (TABLE, SOURCE_FILE, SOURCE_ROW)
"""What names a quarantined row."""

LEFT: Final = (SUPERSEDED, DISMISSED)
"""The reasons of rows that have left the list, though nothing of them is lost."""

EXAMPLE: Final = "example"


def quarantined(lake: Lake, reason: str | None = None, file: str | None = None) -> pl.LazyFrame:
    """Scan the quarantined rows, optionally those of one reason or of one source file.

    Without a reason, those that have left the list are left out.
    """
    rows = lake.scan(QUARANTINE)
    rows = rows.filter(~pl.col(REASON).is_in(LEFT) if reason is None else pl.col(REASON) == reason)
    return rows if file is None else rows.filter(pl.col(SOURCE_FILE) == file)


def repairable(rows: pl.LazyFrame) -> pl.DataFrame:
    """Keep the rows whose source row was stored; that of erased users is not."""
    return rows.filter(pl.col(ROW).is_not_null()).collect()


def count_reasons(rows: pl.LazyFrame) -> pl.DataFrame:
    """Count quarantined rows by reason: table, source_file, reason, rows, example (the detail of one of them)."""
    counts = rows.group_by(TABLE, SOURCE_FILE, REASON).agg(
        pl.len().cast(pl.Int64).alias(ROWS), pl.col(DETAIL).drop_nulls().first().alias(EXAMPLE)
    )
    return counts.sort(TABLE, SOURCE_FILE, ROWS, REASON, descending=[False, False, True, False]).collect()


def own_columns(manifest: Manifest) -> tuple[str, ...]:
    """List the manifest's source columns, and the one that holds a line that could not be split."""
    parts = (*manifest.interactions, *(part for part in (manifest.items, manifest.users) if part))
    return tuple(dict.fromkeys((*(name for part in parts for name in part.source_columns), LINE)))


def known_as(key: str) -> pl.Expr:
    """Return an expression that names a row of users or items: its id and the instant from which it is known."""
    return pl.format("{} from {}", pl.col(key), pl.col(AVAILABLE_AT))


def settle(lake: Lake) -> None:
    """Delete quarantined rows that a retry accepted and the tables hold; a retry that was killed leaves such rows.

    What the tables do not hold yet stays: the next retry takes it in.
    """
    retried = quarantined(lake, RETRIED).select(*PLACE, DETAIL).collect()
    if retried.is_empty():
        return
    log = retried.filter(pl.col(TABLE) == INTERACTIONS.name)
    taken = lake.scan(INTERACTIONS).select(SOURCE_FILE, SOURCE_ROW).join(log.lazy(), on=PLACE[1:], how="semi")
    held = [log.join(taken.collect(engine="streaming"), on=PLACE[1:], how="semi")]
    for table, key in ((USERS, USER_ID), (ITEMS, ITEM_ID)):
        rows = retried.filter(pl.col(TABLE) == table.name)
        held.append(rows.join(lake.scan(table).select(known_as(key).alias(DETAIL)).collect(), on=DETAIL, how="semi"))
    gone = pl.concat(held)
    if gone.height:
        lake.overwrite(QUARANTINE, lake.scan(QUARANTINE).join(gone.lazy(), on=PLACE, how="anti"))
