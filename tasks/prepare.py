"""Stage prepare: score 0–10, indices, signals and filters, and the cut into train, validation and test."""

import logging
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from nightschool.application.stage import resumable
from nightschool.night.filter_report import measure_effects
from nightschool.night.night import Night
from nightschool.night.prepare import Prepared, prepare_events
from nightschool.night.records import PrepareRecord
from nightschool.spark.prepare import load_sample, prepare_parts

logger = logging.getLogger("nightschool.tasks")


@task(cache_policy=NO_CACHE)
def prepare(night: Night) -> PrepareRecord:
    """Score and index the events known at T, and cut them by the strongest protocol that the data allow."""
    record = resumable(night, PrepareRecord, lambda folder: _prepare(night, folder))
    told = (record.users, record.items, record.events, record.protocol)
    logger.info("prepare: %d users, %d items, %d events, proved on %s", *told)
    return record


def load(night: Night, prepared: PrepareRecord) -> Prepared:
    """Read the events and the cut that the stage wrote; on Spark, those of a random sample of the users."""
    folder = prepared_folder(night)
    return load_sample(folder, prepared) if night.on_spark else Prepared.load(folder, prepared)


def prepared_folder(night: Night) -> Path:
    """Return the folder of the stage; on Spark, the parts of the log are in it."""
    return night.folder / PrepareRecord.stage


def _prepare(night: Night, folder: Path) -> PrepareRecord:
    if night.on_spark:
        return prepare_parts(night, folder)
    prepared = prepare_events(night)
    effects = measure_effects(prepared.log, prepared.log.known, night.config)
    effects.set_aside.write_parquet(folder / "set_aside.parquet")
    return prepared.save(folder, effects.rows)
