"""Stage 3: score 0–10, indices and the cut into train, validation and test."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from nightschool.night.prepare import Prepared
from nightschool.night.prepare import prepare as prepare_data
from nightschool.night.run import Night
from tasks.stage import Record, once


@task(cache_policy=NO_CACHE)
def prepare(night: Night) -> Record:
    """Which protocol the data allow, and how many users, items and events there are."""
    return once(night, "prepare", lambda folder: prepare_data(night).save(folder))


def load(night: Night, data: Record) -> Prepared:
    """What the stage left behind."""
    return Prepared.load(night.folder / "prepare", data)
