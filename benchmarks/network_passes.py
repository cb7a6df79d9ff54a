"""Seconds and memory of a network's first pass over three million interactions of a simulated platform."""

import json
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from intake import SIZES
from network_cases import SEED
from surroundings import in_fresh_process, ingested_home, temporary_home

from nightschool.cli.environment import prepare_environment
from nightschool.simulator.simulate import simulate

SIZE = "3 M"


class FirstPass(NamedTuple):
    """A fit that is ended after one pass.

    Attributes:
        seconds: Of the fit, compiling and measuring on what is held out included.
        gigabytes: Peak of its process, with the data and imports.
    """

    seconds: float
    gigabytes: float


def measure_passes(models: tuple[str, ...], figures: Path) -> dict[str, FirstPass]:
    """Measure models, each in a process of its own; figures that are there are not measured again."""
    files = {model: figures / f"{SIZE} {model}.json" for model in models}
    missing = [model for model, file in files.items() if not file.exists()]
    if missing:
        with temporary_home(), TemporaryDirectory() as folder:
            in_fresh_process(simulate, SIZES[SIZE], Path(folder))
            in_fresh_process(_ingest, Path(folder))
            for model in missing:
                print(f"{SIZE}: {model}", file=sys.stderr)
                files[model].write_text(json.dumps(in_fresh_process(first_pass, model)), encoding="utf-8")
    return {model: FirstPass(*json.loads(file.read_text(encoding="utf-8"))) for model, file in files.items()}


def first_pass(model: str) -> FirstPass:
    """Fit a model to the home that NIGHTSCHOOL_HOME names, for one pass."""
    prepare_environment()
    from models.catalog import create
    from nightschool.application.evaluate import events_of
    from nightschool.application.home import open_home
    from nightschool.night.config import NightConfig

    log = events_of(open_home(), NightConfig())
    dataset = log.dataset()
    began = time.monotonic()
    create(model, {"epochs": 1}).fit(dataset, seed=SEED)
    seconds = time.monotonic() - began
    return FirstPass(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def _ingest(source: Path) -> None:
    ingested_home("learning", source)
