"""Figures of a whole table, computed by polars, so that rules about it check one row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from expectations.rules import between
from nightschool.columns import ExternalId, Table

ROWS: Final = "rows"
WRONG_TYPES: Final = "wrong_types"


@dataclass(frozen=True)
class Known:
    """What is known besides a table's own rows.

    Attributes:
        users: The declared users table; None where there is none.
        items: The declared items table; likewise.
        taken_in: Rows of the source files that the ledger says were taken in; 0 where it says nothing.
        held: How many of those the tables hold, good or quarantined.
    """

    users: pl.LazyFrame | None = None
    items: pl.LazyFrame | None = None
    taken_in: int = 0
    held: int = 0


NOTHING: Final = Known()


def types(table: Table, frame: pl.LazyFrame) -> pl.DataFrame:
    """Count the columns whose type differs from the table's and name them, in one row."""
    found = frame.collect_schema()
    wanted = {**table.columns, **table.optional}
    wrong = [name for name, dtype in wanted.items() if name in found and not _is_of(found[name], dtype)]
    return pl.DataFrame({WRONG_TYPES: [len(wrong)], "columns": [", ".join(wrong)]})


def right_types() -> Any:
    """Build the rule on what `types` counts."""
    return between(WRONG_TYPES, "wrong_type", high=0, seen="columns {columns}")


def count_repeated(frame: pl.LazyFrame, *key: str) -> int:
    """Count the rows whose key an earlier row has."""
    hashes = frame.select(pl.struct(key).hash()).collect(engine="streaming").to_series()
    if hashes.n_unique() == len(hashes):
        return 0
    # Two keys of one hash are no repeat: where there seem to be some, the keys themselves are counted.
    distinct: int = frame.select(pl.struct(key).n_unique()).collect(engine="streaming").item()
    return len(hashes) - distinct


def count_orphans(frame: pl.LazyFrame, declared: pl.LazyFrame | None, key: str) -> int:
    """Count the distinct ids that are missing from the declared table; 0 where no table is declared."""
    if declared is None:
        return 0
    ids = frame.select(pl.col(key).drop_nulls().unique())
    orphans = ids.join(declared.select(key), on=key, how="anti").select(pl.len()).collect(engine="streaming")
    count: int = orphans.item()
    return count


def one_row(facts: Mapping[str, int | float]) -> pl.DataFrame:
    """Build the frame of one row that rules check."""
    return pl.DataFrame({name: [value] for name, value in facts.items()})


def share(part: float, whole: float) -> float:
    """Return part / whole, or 0 when whole is 0."""
    return part / whole if whole else 0.0


def _is_of(dtype: pl.DataType, wanted: pl.DataType | type[pl.DataType] | ExternalId) -> bool:
    if isinstance(wanted, ExternalId):
        return dtype in (pl.Int64, pl.String)
    return dtype == wanted
