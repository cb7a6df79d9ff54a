"""MLflow without what takes it seconds each time: garbage is collected in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from unittest.mock import patch

from click.testing import CliRunner

from nightschool.application import tracking


@contextmanager
def quick_mlflow() -> Iterator[None]:
    """In the block, `mlflow gc` is no process; tests/storage runs it as the product does."""
    with patch.object(tracking, "collect_garbage", _collect_garbage):
        yield


def _collect_garbage(tracking_uri: str) -> None:
    command = import_module("mlflow.cli").gc  # two more seconds of imports
    options = ["--backend-store-uri", tracking_uri]
    done = CliRunner(env={"MLFLOW_TRACKING_URI": tracking_uri}).invoke(command, options)
    assert done.exit_code == 0, done.output
