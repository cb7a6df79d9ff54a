"""Stage 3: score 0–10, indices, what the rules leave to learn from, and the cut into train, validation and test."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from nightschool.application.stage import Record, resumable
from nightschool.night.filter_report import measure_effects
from nightschool.night.night import Night
from nightschool.night.prepare import Prepared
from nightschool.night.prepare import prepare as prepare_data


@task(cache_policy=NO_CACHE)
def prepare(night: Night) -> Record:
    """Which protocol the data allow, how many users, items and events there are, and what the rules do to them."""
    return resumable(night, "prepare", lambda folder: _prepare(night, folder))


def load(night: Night, data: Record) -> Prepared:
    """What the stage left behind."""
    return Prepared.load(night.folder / "prepare", data)


def _prepare(night: Night, folder: Path) -> Record:
    prepared = prepare_data(night)
    effects = measure_effects(prepared.log, prepared.log.known, night.config)
    effects.set_aside.write_parquet(folder / "set_aside.parquet")
    return {**prepared.save(folder), "signals": effects.rows}
