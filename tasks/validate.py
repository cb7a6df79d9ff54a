"""Stage 2: the tables as of T against their expectation suites."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from nightschool.night.run import Night
from tasks.stage import Record, once


@task(cache_policy=NO_CACHE)
def validate(night: Night) -> Record:
    """Every rule of every table with what it saw."""
    return once(night, "validate", lambda _: _check_tables(night))


def _check_tables(night: Night) -> Record:
    raise NotImplementedError
