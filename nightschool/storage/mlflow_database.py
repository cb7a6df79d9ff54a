"""MLflow's database in a home, made whole or not at all, and the experiment of its nights."""

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from mlflow import MlflowClient

from nightschool.sqlite import sqlite_address
from nightschool.storage.durable import sync
from nightschool.storage.mlflow_addresses import NAME, location


def make_database(path: Path) -> None:
    """Make a new database whole or not at all: MLflow takes none in which it was killed between two tables."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    MlflowClient(sqlite_address(draft)).search_experiments(max_results=1)
    sync(draft)
    # A link, unlike a renaming, never takes the place of a database that somebody else made meanwhile.
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
    sync(path.parent)


def find_experiment(client: MlflowClient, tracking_uri: str, artifact_root: Path) -> str:
    """Return the id of the nights' experiment; a server chooses where files lie, a database leaves it to us."""
    found = client.get_experiment_by_name(NAME)
    if found is not None:
        return str(found.experiment_id)
    if tracking_uri.startswith("http"):
        return str(client.create_experiment(NAME))
    artifact_root.mkdir(parents=True, exist_ok=True)
    return str(client.create_experiment(NAME, artifact_location=location(artifact_root)))
