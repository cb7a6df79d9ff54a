"""Missed nights, one a day, as a flow that operators start in the Prefect UI."""

from datetime import date, time
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow

from flows.form import NightForm
from flows.retrain import retrain
from nightschool.application.home import open_home
from nightschool.night.backfill import list_instants, require_all, run_nights
from nightschool.night.config import NightConfig


@flow(name="backfill")
def backfill(
    first: date,
    last: date,
    at: time | None = None,
    dataset: str | None = None,
    source_root: Path | None = None,
    config: NightForm = NightConfig(),
) -> list[dict[str, Any]]:
    """Run the night of each day, and return the outcome of each; the flow fails at its end where a night failed.

    Args:
        first: The first day.
        last: The last day, itself included.
        at: T's time of day, UTC. Empty: that of the stored releases, else 02:00.
        dataset: A shipped dataset's name, or a manifest's path. Empty: the one that the home holds.
        source_root: The folder of the manifest's files. Empty: the one that the home remembers.
        config: The configuration of each night.
    """
    stored = open_home().releases.stored()
    instants = list_instants(first, last, at, stored)
    return require_all(run_nights(instants, stored, partial(retrain, dataset, source_root, config=config)))
