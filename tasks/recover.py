"""Stage recover: what an earlier process left half done is finished before anything else happens."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from nightschool.application.forget import finish_erasure
from nightschool.application.measure import measured
from nightschool.application.stage import failed_on_io
from nightschool.night.records import RecoverRecord
from nightschool.storage.erasure_log import unfinished
from nightschool.storage.home import Home


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[2, 20], retry_condition_fn=failed_on_io)
def recover(home: Home) -> RecoverRecord:
    """Finish the erasure of a user that was cut short; a night that finds none does nothing here."""
    if unfinished(home.paths.erasure) is None:
        return RecoverRecord(erasures=0)
    with measured(RecoverRecord.stage):
        finish_erasure(home)
    return RecoverRecord(erasures=1)
