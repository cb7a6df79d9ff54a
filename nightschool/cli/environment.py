"""What the process must know before Prefect, MLflow and Great Expectations are imported."""

import logging
import os

from nightschool.settings import Settings


def prepare_environment() -> None:
    """Keeps every library's files below the home and every library from calling home; what is set already stays."""
    paths = Settings().paths
    defaults = {
        "NIGHTSCHOOL_HOME": str(paths.root),
        "PREFECT_HOME": str(paths.prefect),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "nightschool",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GX_ANALYTICS_ENABLED": "false",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    logging.getLogger("nightschool").setLevel(logging.INFO)


def prepare_prefect_home() -> None:
    """Makes the folder of Prefect's database, which its server does not make."""
    Settings().paths.prefect.mkdir(parents=True, exist_ok=True)
