"""Stage 1: source rows into tables, exactly once."""

from datetime import datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from nightschool.night.run import Home


@task(cache_policy=NO_CACHE)
def ingest(home: Home, as_of: datetime | None) -> dict[str, Any]:
    """Rows in, already known, accepted and quarantined, by table."""
    return ingest_sources(home, as_of)


def ingest_sources(home: Home, first_seen: datetime | None) -> dict[str, Any]:
    """The same without Prefect; `first_seen` is the T of the night that takes the rows in, else now."""
    raise NotImplementedError
