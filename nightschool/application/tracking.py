"""The night in MLflow: what was tried, what was measured, and the refitted model; pruning and upkeep."""

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import models
from nightschool.columns import RECOMMENDATIONS
from nightschool.errors import Unreachable
from nightschool.night.night import Night
from nightschool.night.outcome import REFUSED
from nightschool.settings import Settings
from nightschool.sqlite import sqlite_path
from nightschool.storage.home import Home
from nightschool.storage.lake import UNREADABLE
from nightschool.storage.mlflow_database import collect_garbage
from nightschool.storage.night_log import NightEnd, NightLog, ReleaseModel
from nightschool.storage.nights import NightRow
from nightschool.storage.pruning import prune
from nightschool.storage.registry import Registry
from nightschool.storage.upkeep import KEPT, tidy_prefect, tidy_tables

logger = logging.getLogger("nightschool.application")

MLFLOW_MODEL = Path(str(models.__file__)).with_name("mlflow_model.py")


def registry(home: Home) -> Registry:
    """Return the MLflow store of a home."""
    return Registry(Settings().tracking_uri, home.paths.mlflow_artifacts)


def track(night: Night, log: NightLog, artifacts: Mapping[str, Path]) -> str:
    """Log the night to MLflow, register the refitted model, and return the id of the night's run."""
    store = registry(night.home)
    run_id = store.nights.log(log)
    lake, release_id = night.home.lake, night.identity.release_id
    store.register(run_id, ReleaseModel(release_id, MLFLOW_MODEL, artifacts, lake.user_id, lake.item_id, log.card))
    return run_id


def track_end(row: NightRow, run_key: str | None, report: str = "") -> str | None:
    """Say in MLflow how a night ended, a refused one too; an MLflow that does not answer is a warning in the log.

    Args:
        row: The night's row.
        run_key: Its key; None where it was refused before it had one.
        report: The page on its release; empty without.

    Returns:
        The address of the report on MLflow's page; None where it is not there.
    """
    refused = row.outcome in REFUSED
    if run_key is None and not refused:
        return None
    settings = Settings()
    links = {"prefect_run": f"{settings.prefect_page}/runs/flow-run/{row.flow_run_id}"} if row.flow_run_id else {}
    end = NightEnd(run_key, row.as_of, row.outcome, refused, links, report)
    try:
        page = Registry(settings.tracking_uri, settings.paths.mlflow_artifacts).nights.close(end)
        return f"{settings.mlflow_page}{page}" if page else None
    except (Unreachable, *UNREADABLE) as error:
        logger.warning("MLflow does not know how this night ended: %s", error)
    except Exception:
        # The night has ended: what only decorates it must not fail it.
        logger.exception("MLflow does not know how this night ended")
    return None


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
    gone = registry(home).nights.forget(kept, now - KEPT) if home.paths.mlflow_database.exists() else 0
    if gone and sqlite_path(Settings().tracking_uri) is not None:
        collect_garbage(Settings().tracking_uri)
    tidy_prefect(home.paths.prefect, now)
    return gone
