"""Stage 2: the tables as of T against their expectation suites."""

from dataclasses import asdict

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.validation import check_batch
from nightschool.columns import INTERACTIONS, ITEMS, USERS
from nightschool.data.limits import Limits
from nightschool.night.run import Night, tables_at
from tasks.stage import Record, once


@task(cache_policy=NO_CACHE)
def validate(night: Night) -> Record:
    """Every rule of every table with what it saw."""
    return once(night, "validate", lambda _: _check_tables(night))


def _check_tables(night: Night) -> Record:
    tables = tables_at(night.home.lake, night.identity.as_of)
    limits = Limits.of(night.manifest, night.identity.as_of)
    declared = {INTERACTIONS.name}
    declared |= {USERS.name} if night.manifest.users is not None else set()
    declared |= {ITEMS.name} if night.manifest.items is not None else set()
    return {name: _check(name, tables[name], limits) for name in sorted(declared)}


def _check(name: str, frame: pl.DataFrame, limits: Limits) -> list[Record]:
    report = check_batch(name, frame, limits)
    report.raise_if_failed(do="correct the source or its manifest; the last good release stays up")
    return [asdict(outcome) for outcome in report.outcomes]
