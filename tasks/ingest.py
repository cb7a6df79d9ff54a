"""Stage 1: source rows into tables, exactly once; the bad ones into quarantine."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations import validation
from nightschool.columns import INTERACTIONS
from nightschool.data.holdout import read_test
from nightschool.night.ingest import ingest as take_in
from nightschool.night.run import Home
from nightschool.storage.binding import bind
from tasks.forget import finish_erasure
from tasks.home import manifest_of
from tasks.stage import failed_on_io


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[2, 20], retry_condition_fn=failed_on_io)
def ingest(home: Home, as_of: datetime | None) -> dict[str, Any]:
    """Rows in, already known, accepted and quarantined, by table."""
    return ingest_sources(home, as_of)


def ingest_sources(home: Home, as_of: datetime | None) -> dict[str, Any]:
    """The same without Prefect; rows are first seen at the T of the night that takes them in, else now.

    A person whose erasure was cut short is forgotten first.
    """
    finish_erasure(home)
    now = datetime.now(UTC)
    source_root = home.binding.source_root
    report = take_in(manifest_of(home), source_root, home.lake, check=validation, first_seen=as_of or now, now=now)
    bind(home.paths.binding, home.binding)
    return report.to_dict()


def read_hold_out(home: Home) -> pl.DataFrame:
    """The manifest's [test], which no night ever reads."""
    return read_test(manifest_of(home), home.binding.source_root, home.lake.scan(INTERACTIONS))
