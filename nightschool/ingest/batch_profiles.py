"""Profiles of each source's batches, stored next to the tables; each batch is compared with the one before it."""

from datetime import datetime, timedelta

import polars as pl

from nightschool.columns import BATCHES, BIN, COLUMN, INSTANT, READ_AT, ROWS, SOURCE, TABLE, Table
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.manifest.sections import Interactions
from nightschool.data.normalization.profile import add_up, population_stability, profile
from nightschool.data.readers.sources import SourceFile
from nightschool.ingest.checks import Checks
from nightschool.storage.lake import Lake


def series(file: SourceFile, meaning: str) -> str:
    """Name the source that a file belongs to: what its rows mean, and the letters of its name without compression."""
    name = file.name.removesuffix(".gz").removesuffix(".zip")
    return f"{meaning}:{''.join(letter for letter in name if letter.isalpha())}"


class Batches:
    """The profiles of what arrives for a table, gathered by source; a later ingest compares its own with them.

    A source is what is alike from batch to batch: a series of files whose names have the same letters.
    """

    def __init__(self, lake: Lake, table: Table, now: datetime) -> None:
        self._lake = lake
        self._table = table
        self._now = now
        self._added: dict[str, list[pl.DataFrame]] = {}

    def add(self, source: str, part: Interactions | Items | Users, good: pl.DataFrame) -> None:
        """Add the good rows of a block to the source's profile."""
        self._added.setdefault(source, []).append(profile(part, good))

    def compare(self, check: Checks) -> list[str]:
        """Compare what arrived with the last batch of each source; return the warnings.

        Raises:
            DataRefused: A column lost its values, or a unit or a mapping must have changed.
        """
        warnings: list[str] = []
        last = self._last() if self._added else {}
        for source in sorted(self._added.keys() & last.keys()):
            stability = population_stability(last[source], add_up(self._added[source]))
            if stability.height:
                report = check.check_drift(self._table.name, stability)
                report.raise_if_failed("check the source's units against the manifest")
                warnings.extend(report.warnings)
        return warnings

    def absorb(self, other: "Batches") -> None:
        """Add the profiles of another gathering."""
        for source, blocks in other._added.items():
            self._added.setdefault(source, []).extend(blocks)

    def write(self) -> None:
        """Commit the profiles; call it before the ledger is written, so that every known batch has one."""
        counted = [(source, add_up(blocks)) for source, blocks in self._added.items()]
        frames = [counts.with_columns(pl.lit(source).alias(SOURCE)) for source, counts in counted]
        if frames:
            instant = pl.lit(self._instant(), INSTANT).alias(READ_AT)
            rows = pl.concat(frames).with_columns(instant, pl.lit(self._table.name).alias(TABLE))
            self._lake.append(BATCHES, rows.select(*BATCHES.columns))
        self._added = {}

    def _last(self) -> dict[str, pl.DataFrame]:
        """Read the newest profile of each source of the table."""
        rows = self._lake.scan(BATCHES).filter(pl.col(TABLE) == self._table.name)
        newest = rows.filter(pl.col(READ_AT) == pl.col(READ_AT).max().over(SOURCE)).collect()
        return {str(source): part.select(COLUMN, BIN, ROWS) for (source,), part in newest.group_by(SOURCE)}

    def _instant(self) -> datetime:
        latest = self._lake.scan(BATCHES).select(pl.col(READ_AT).max()).collect().item()
        # Two batches at one reading of the clock must still have an order.
        return self._now if latest is None else max(self._now, latest + timedelta(microseconds=1))
