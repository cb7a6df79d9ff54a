"""The environment that a process needs before it imports Prefect, MLflow and Great Expectations."""

import logging
import os
import warnings
from pathlib import Path

from pydantic import ValidationError

from nightschool.cli.temporary_server import TemporaryServer
from nightschool.errors import ConfigurationError
from nightschool.settings import Settings
from nightschool.sqlite import sqlite_address
from nightschool.storage.home_path import require_usable_path
from nightschool.storage.home_version import require_readable


def prepare_environment() -> None:
    """Keep the files of all libraries below the home and turn off their telemetry; variables that are set stay.

    Raises:
        ConfigurationError: A NIGHTSCHOOL_* variable is out of range, or the home cannot be a folder there.
    """
    paths = _settings().paths
    require_usable_path(paths.root)
    if paths.root.exists() and not paths.root.is_dir():
        raise ConfigurationError(
            "the home is not a folder", seen=str(paths.root), do="give --home a folder, new or not"
        )
    require_readable(paths)
    defaults = {
        "NIGHTSCHOOL_HOME": str(paths.root),
        "PREFECT_HOME": str(paths.prefect),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
        # Runs that ended 90 days ago; a server that stays would keep them for ever.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "nightschool",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GX_ANALYTICS_ENABLED": "false",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    if "?" in os.environ["PREFECT_HOME"]:
        # Prefect's own address of its database ends at the question mark.
        database = Path(os.environ["PREFECT_HOME"]) / "prefect.db"
        os.environ.setdefault("PREFECT_API_DATABASE_CONNECTION_URL", sqlite_address(database, "aiosqlite"))
    logging.getLogger("nightschool").setLevel(logging.INFO)
    # Commands that only read a home make nothing in it, which Prefect minds as it is imported.
    warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory", category=UserWarning)


def prepare_flow_run() -> TemporaryServer:
    """Silence Prefect's own error logs, and begin to load its server, which then waits to be started.

    The server takes as long to load as the flow to import: load it first, start it when the command's arguments are
    checked, import the flow, wait for the server. What goes wrong in a run ends it with an exception. Prefect would
    show that one too, for the task and for the flow, each with its traceback; they still reach its server, but for
    what Prefect says before a run has begun.
    """
    for name in ("prefect.engine", "prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).propagate = False
    return TemporaryServer()


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"NIGHTSCHOOL_{first['loc'][0]}".upper()
        raise ConfigurationError(f"{name}: {first['msg']}", seen=first["input"], do="correct or unset it") from None
