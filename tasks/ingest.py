"""Stage ingest: source rows into tables, exactly once; bad rows into quarantine."""

import logging
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from nightschool.application.measure import measured
from nightschool.application.sources import ingest_sources
from nightschool.application.stage import failed_on_io
from nightschool.night.records import IngestRecord
from nightschool.storage.home import Home

_TOLD = {
    "rows_in": "rows in",
    "already_known": "known",
    "accepted": "accepted",
    "quarantined": "quarantined",
    "set_aside": "set aside",
}

logger = logging.getLogger("nightschool.tasks")


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[2, 20], retry_condition_fn=failed_on_io)
def ingest(home: Home, as_of: datetime | None) -> IngestRecord:
    """Take in the rows that the source files bring, and report what became of each."""
    with measured(IngestRecord.stage):
        record = IngestRecord.of(ingest_sources(home, as_of))
    for table, counts in record.rows.items():
        told = ", ".join(f"{counts.get(key, 0):,} {name}" for key, name in _TOLD.items())
        logger.info("ingest: %s: %s", table, told)
    return record
