"""MLflow's database in a home, made whole or not at all, and the experiment of its nights."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import uuid4

import mlflow
from mlflow import MlflowClient

from nightschool.errors import Unavailable
from nightschool.sqlite import sqlite_address
from nightschool.storage.database_template import copy_template, keep_template, link_new
from nightschool.storage.mlflow_addresses import NAME, location

_URI: Final = "MLFLOW_TRACKING_URI"
_TEMPLATE: Final = f"mlflow-{mlflow.__version__}"


def make_database(path: Path) -> None:
    """Make a new database whole or not at all: MLflow takes none in which it was killed between two tables."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if copy_template(_TEMPLATE, path):
        return
    draft = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    MlflowClient(sqlite_address(draft)).search_experiments(max_results=1)
    with closing(sqlite3.connect(draft)) as connection, connection:
        # MLflow's own experiment lies below the folder that happens to be the present one.
        connection.execute("UPDATE experiments SET artifact_location = 'mlruns/0'")
    keep_template(_TEMPLATE, draft)
    link_new(draft, path)


def find_experiment(client: MlflowClient, tracking_uri: str, artifact_root: Path) -> str:
    """Return the id of the nights' experiment; a server chooses where files lie, a database leaves it to us."""
    found = client.get_experiment_by_name(NAME)
    if found is not None:
        return str(found.experiment_id)
    if tracking_uri.startswith("http"):
        return str(client.create_experiment(NAME))
    artifact_root.mkdir(parents=True, exist_ok=True)
    return str(client.create_experiment(NAME, artifact_location=location(artifact_root)))


def collect_garbage(tracking_uri: str) -> None:
    """Remove for good the runs that were deleted, which MLflow otherwise keeps; its own command does it.

    Raises:
        Unavailable: That command failed.
    """
    command = [sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", tracking_uri]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, _URI: tracking_uri})
    if done.returncode:
        seen = (done.stderr.strip().splitlines() or ["nothing said"])[-1][:200]
        raise Unavailable("MLflow could not remove deleted runs", seen=seen, do="run the same command again")
