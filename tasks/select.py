"""Stage 4: models, hyper-parameters and α, chosen on validation."""

from pathlib import Path

from prefect import task

from models.catalog import create, grid
from nightschool.evaluation.segments import segment_users
from nightschool.night.run import Night
from nightschool.night.select import Search, Selection
from nightschool.night.select import select as choose
from nightschool.settings import Settings
from tasks.prepare import load
from tasks.stage import Record, once


@task
def select(night: Night, data: Record) -> Record:
    """The recipe that validation chose, and what every candidate and every α measured."""
    return once(night, "select", lambda folder: _select(night, data, folder))
