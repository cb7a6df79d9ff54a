"""Stage 1: source rows into tables, exactly once; the bad ones into quarantine."""

from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from nightschool.application.forget import finish_erasure
from nightschool.application.measure import measured
from nightschool.application.sources import ingest_sources
from nightschool.application.stage import failed_on_io
from nightschool.ingest.ingest import IngestReport
from nightschool.storage.home import Home


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[2, 20], retry_condition_fn=failed_on_io)
def ingest(home: Home, as_of: datetime | None) -> IngestReport:
    """What became of the source rows, and what is odd about them; an erasure that was cut short ends first."""
    with measured("ingest"):
        finish_erasure(home)
        return ingest_sources(home, as_of)
