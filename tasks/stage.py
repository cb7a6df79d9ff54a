"""Doing each stage of a night once: its outputs first, its record last."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nightschool.night.run import Night
from nightschool.storage.durable import sync_tree

logger = logging.getLogger("nightschool.tasks")

Record = dict[str, Any]


def once(night: Night, stage: str, produce: Callable[[Path], Record]) -> Record:
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
    record = produce(folder)
    sync_tree(folder)
    night.records.put(stage, record)
    return record
