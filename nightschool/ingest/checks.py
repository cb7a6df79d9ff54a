"""The checks that an ingest asks for, which the module `expectations.validation` has."""

from typing import Protocol

import polars as pl

from nightschool.data.normalization.limits import Limits


class CheckReport(Protocol):
    """The result of a check of rows that arrive together."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the warnings that do not block the rows."""
        ...

    def raise_if_failed(self, do: str) -> None:
        """Raise DataRefused, with what to do, if the rows must not come in."""
        ...


class Checks(Protocol):
    """The rules for arriving rows."""

    def check_rows(self, table: str, frame: pl.DataFrame, limits: Limits) -> pl.DataFrame:
        """Find the rows that break a rule: row_number (from 0), reason, detail."""
        ...

    def check_intake(self, table: str, n_rows: int, n_bad: int) -> CheckReport:
        """Check whether a file with so many bad rows may come in."""
        ...

    def check_growth(self, table: str, before: int, now: int) -> CheckReport:
        """Check whether a file that had `before` rows may hold `now` rows."""
        ...

    def check_drift(self, table: str, stability: pl.DataFrame) -> CheckReport:
        """Check whether a batch is distributed like the last one, from `population_stability` of both."""
        ...
