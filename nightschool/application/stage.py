"""Resumable stages: each runs once in a night, and writes its outputs first, its record last.

These records resume a night in place of Prefect's cache, whose result files are overwritten in place.
"""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun

from nightschool.application.measure import measured
from nightschool.application.stage_progress import StageProgress
from nightschool.checkpoints import checkpoints_below
from nightschool.curves import CURVES, CurveFile, curves_to
from nightschool.errors import DataRefused
from nightschool.night.night import Night
from nightschool.night.records import Record
from nightschool.progress import reporting_to
from nightschool.storage.durable import sync_tree

CHECKPOINTS: Final = "checkpoints"
"""Folder of a night in which its long fits keep what a later try goes on from."""

logger = logging.getLogger("nightschool.application")
# Prefect gives extra loggers its handler, but no level.
logging.getLogger("nightschool").setLevel(logging.INFO)


def failed_on_io(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Return whether a task failed on reading or writing, which another try may succeed at; a refusal is final."""
    return isinstance(state.result(raise_on_failure=False), OSError)


def resumable(night: Night, kind: type[Record], produce: Callable[[Path], Record]) -> Record:
    """Return a stage's record, read back where an earlier try of this night finished the stage, else from `produce`.

    `produce` gets an empty folder for its outputs, which are on the disk before the record is; its long fits go on from
    the checkpoints of an earlier try. Either way the record is the one that was read back from the disk: what follows
    cannot depend on whether the night was interrupted.
    """
    stage = kind.stage
    done = night.record(kind)
    if done is not None:
        logger.info("%s: finished by an earlier try of this night", stage)
        return done
    folder = night.folder / stage
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started = time.perf_counter()
    checkpoints = night.folder / CHECKPOINTS
    progress, curves = StageProgress(stage), CurveFile(folder / CURVES)
    with measured(stage), checkpoints_below(checkpoints), reporting_to(progress), curves_to(curves):
        try:
            record = produce(folder)
        except DataRefused:
            # Corrected data make another night; this one would be refused again whenever it was resumed.
            night.close()
            raise
        sync_tree(folder)
    progress.finish()
    night.records.put(stage, record.model_dump(mode="json"))
    shutil.rmtree(checkpoints, ignore_errors=True)
    logger.info("%s: %.1f s", stage, time.perf_counter() - started)
    return night.require(kind)
