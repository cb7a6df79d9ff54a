"""The night in MLflow: what was tried, what was measured, and the refitted model; pruning and upkeep."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import models
from nightschool.columns import RECOMMENDATIONS
from nightschool.night.night import Night
from nightschool.settings import Settings
from nightschool.sqlite import sqlite_path
from nightschool.storage.home import Home
from nightschool.storage.mlflow_database import collect_garbage
from nightschool.storage.night_log import NightLog
from nightschool.storage.pruning import prune
from nightschool.storage.registry import Registry
from nightschool.storage.upkeep import KEPT, tidy_prefect, tidy_tables

MLFLOW_MODEL = Path(str(models.__file__)).with_name("mlflow_model.py")


def registry(home: Home) -> Registry:
    """Return the MLflow store of a home."""
    return Registry(Settings().tracking_uri, home.paths.mlflow_artifacts)


def track(night: Night, log: NightLog, artifacts: Mapping[str, Path]) -> str:
    """Log the night to MLflow, register the refitted model, and return the id of the night's run."""
    store = registry(night.home)
    run_id = store.log_night(log)
    store.register(run_id, night.identity.release_id, MLFLOW_MODEL, artifacts, night.home.lake.user_id)
    return run_id


def prune_releases(home: Home, keep: int) -> list[str]:
    """Remove tables and models of old releases, but of the newest `keep` and the current one; return their ids."""
    removed = prune(home.releases, home.paths, keep)
    stored = {release.release_id for release in home.releases.stored()}
    registry(home).prune(stored - home.lake.releases(RECOMMENDATIONS))
    return removed


def tidy(home: Home, now: datetime) -> int:
    """Compact tables and remove what is old and no kept release needs; return how many nights lost their MLflow runs.

    Call it under the home's lock.

    Raises:
        Busy: A server keeps Prefect's database busy.
    """
    tidy_tables(home.lake)
    kept = home.lake.releases(RECOMMENDATIONS)
    gone = registry(home).forget_runs(kept, now - KEPT) if home.paths.mlflow_database.exists() else 0
    if gone and sqlite_path(Settings().tracking_uri) is not None:
        collect_garbage(Settings().tracking_uri)
    tidy_prefect(home.paths.prefect, now)
    return gone
