"""How each source's arriving batch is distributed, kept beside the tables and compared with the batch before it."""

from datetime import datetime, timedelta
from typing import Protocol

import polars as pl

from nightschool.columns import BATCHES, BIN, COLUMN, INSTANT, READ_AT, ROWS, SOURCE, TABLE, Table
from nightschool.data.manifest import Interactions, Items, Users
from nightschool.data.profile import add_up, population_stability, profile
from nightschool.storage.lake import Lake


class DriftReport(Protocol):
    """What a check says of a batch beside the last one."""

    warnings: tuple[str, ...]

    def raise_if_failed(self, do: str) -> None:
        """Raises DataRefused, with what to do, where the batch must not come in."""
        ...


class DriftCheck(Protocol):
    """The rules about drift; the module `expectations.validation` has them."""

    def check_drift(self, table: str, stability: pl.DataFrame) -> DriftReport:
        """Whether a batch is distributed like the last one, from `population_stability` of both."""
        ...


class Batches:
    """The profiles of what arrives, gathered by table and source; a later ingest compares its own with them.

    A source is what is alike from batch to batch: a file of users or items, which is read whole each time, or a part of
    the manifest's interactions, whose files follow one another.
    """

    def __init__(self, lake: Lake, now: datetime) -> None:
        self._lake = lake
        self._now = now
        self._added: dict[tuple[str, str], list[pl.DataFrame]] = {}

    def add(self, table: Table, source: str, part: Interactions | Items | Users, good: pl.DataFrame) -> None:
        """Counts the good rows of a block into the source's profile."""
        self._added.setdefault((table.name, source), []).append(profile(part, good))

    def compare(self, table: Table, check: DriftCheck) -> list[str]:
        """What is odd about the table's batches beside the last ones of their sources.

        Raises:
            DataRefused: A column lost its values, or a unit or a mapping must have changed.
        """
        warnings: list[str] = []
        for source, before in self._last(table).items():
            after = self._added.get((table.name, source))
            stability = population_stability(before, add_up(after)) if after else pl.DataFrame()
            if stability.height:
                report = check.check_drift(table.name, stability)
                report.raise_if_failed("check what the source means by its columns, and the manifest against it")
                warnings.extend(report.warnings)
        return warnings

    def write(self) -> None:
        """Commits the profiles; before the ledger, so that what was taken in has one."""
        frames = [
            add_up(blocks).with_columns(pl.lit(table).alias(TABLE), pl.lit(source).alias(SOURCE))
            for (table, source), blocks in self._added.items()
        ]
        if frames:
            rows = pl.concat(frames).with_columns(pl.lit(self._instant(), INSTANT).alias(READ_AT))
            self._lake.append(BATCHES, rows.select(*BATCHES.columns))
        self._added = {}

    def _last(self, table: Table) -> dict[str, pl.DataFrame]:
        """The newest profile of each source of the table."""
        rows = self._lake.scan(BATCHES).filter(pl.col(TABLE) == table.name)
        newest = rows.filter(pl.col(READ_AT) == pl.col(READ_AT).max().over(SOURCE)).collect()
        return {str(source): part.select(COLUMN, BIN, ROWS) for (source,), part in newest.group_by(SOURCE)}

    def _instant(self) -> datetime:
        latest = self._lake.scan(BATCHES).select(pl.col(READ_AT).max()).collect().item()
        # Two batches at one reading of the clock must still have an order.
        return self._now if latest is None else max(self._now, latest + timedelta(microseconds=1))
