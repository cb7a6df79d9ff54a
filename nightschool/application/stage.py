"""Doing each stage of a night once: its outputs first, its record last.

These records resume a night, and not Prefect's cache, whose result files are overwritten in place.
"""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun

from nightschool.application.measure import measured
from nightschool.errors import DataRefused
from nightschool.night.night import Night
from nightschool.storage.durable import sync_tree

logger = logging.getLogger("nightschool.tasks")
# Prefect gives extra loggers its handler, but no level.
logging.getLogger("nightschool").setLevel(logging.INFO)

Record = dict[str, Any]


def failed_on_io(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether reading or writing failed, which may pass; what we refuse stays refused."""
    return isinstance(state.result(raise_on_failure=False), OSError)


def resumable(night: Night, stage: str, produce: Callable[[Path], Record]) -> Record:
    """The stage's record: read back when an earlier try of this night finished it, else made by `produce`.

    `produce` gets an empty folder for its outputs, which are on the disk before the record is.
    """
    done = night.records.get(stage)
    if done is not None:
        logger.info("%s: finished by an earlier try of this night", stage)
        return done
    folder = night.folder / stage
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started = time.perf_counter()
    with measured(stage):
        try:
            record = produce(folder)
        except DataRefused:
            # Corrected data are another night; this one would be refused at its T whenever it was resumed.
            night.close()
            raise
        sync_tree(folder)
    night.records.put(stage, record)
    logger.info("%s: %.1f s", stage, time.perf_counter() - started)
    return record
