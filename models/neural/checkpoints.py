"""Checkpoints of a training: arrays in an .npz file, and a JSON file that names it and says how far it came."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np

from models.serialization import read_arrays, write_arrays
from nightschool.contract import Float32s
from nightschool.errors import NightschoolError
from nightschool.storage.durable import atomic_write_text, replacing

logger = logging.getLogger("nightschool.models")

_STATE: Final = "state.json"
_PARTS: Final = ("parameters", "best", "moments")
_FIGURES: Final = ("epoch", "best_epoch", "best_value", "seconds", "losses", "values")


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a training came.

    Attributes:
        epoch: Passes that were made.
        best_epoch: The pass after which the figure on what is held out was best.
        best_value: That figure.
        seconds: How long the passes took.
        losses: The mean loss of each pass.
        values: The figure on what is held out after each pass.
        parameters: The arrays after the last pass.
        best: The arrays after the best one.
        moments: The optimiser's state, leaf by leaf.
    """

    epoch: int
    best_epoch: int
    best_value: float
    seconds: float
    losses: Sequence[float]
    values: Sequence[float]
    parameters: Mapping[str, Float32s]
    best: Mapping[str, Float32s]
    moments: Sequence["np.ndarray[Any, Any]"]


def save_progress(folder: Path, progress: Progress) -> None:
    """Write a checkpoint; a crash leaves this one or the one before, whole."""
    arrays = f"{uuid4().hex}.npz"
    leaves = {str(place): leaf for place, leaf in enumerate(progress.moments)}
    parts = zip(_PARTS, (progress.parameters, progress.best, leaves), strict=True)
    with replacing(folder / arrays) as draft:
        write_arrays(draft, {f"{part}.{name}": array for part, group in parts for name, array in group.items()})
    state = {name: getattr(progress, name) for name in _FIGURES}
    atomic_write_text(folder / _STATE, json.dumps({**state, "arrays": arrays}))
    for other in folder.glob("*.npz"):
        if other.name != arrays:
            other.unlink()


def load_progress(folder: Path) -> Progress | None:
    """Read the last checkpoint; None where there is none, or a damaged one, which the training does without."""
    if not (folder / _STATE).exists():
        return None
    try:
        return _read(folder)
    except (NightschoolError, OSError, ValueError, KeyError) as error:
        logger.warning("the checkpoint in %s cannot be read (%s): the training begins again", folder, error)
        return None


def _read(folder: Path) -> Progress:
    state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
    groups: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}
    for name, array in read_arrays(folder / state["arrays"]).items():
        part, _, key = name.partition(".")
        groups[part][key] = array
    leaves = groups["moments"]
    return Progress(
        **{name: state[name] for name in _FIGURES},
        parameters=groups["parameters"],
        best=groups["best"],
        moments=[leaves[str(place)] for place in range(len(leaves))],
    )
