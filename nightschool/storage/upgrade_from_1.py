"""The step from homes of version 1, whose databases lack columns and name the files of another place."""

from nightschool.settings import HomePaths
from nightschool.sqlite import SQLITE
from nightschool.storage.database import open_database
from nightschool.storage.mlflow_addresses import relocate


def upgrade(paths: HomePaths) -> None:
    """Complete the tables of events.db, and point MLflow's addresses into the home."""
    if paths.events_database.exists():
        open_database(f"{SQLITE}{paths.events_database}").dispose()
    relocate(paths.mlflow_database, paths.mlflow_artifacts)
