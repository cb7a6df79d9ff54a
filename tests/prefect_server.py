"""A Prefect server for flows of a test process, on a database whose tables are there: migrations take seconds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from unittest.mock import patch

from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness

_MAKE = """
import asyncio
from prefect.server.database import provide_database_interface
asyncio.run(provide_database_interface().create_db())
"""


def make_tables(path: Path) -> None:
    """Make a database with the tables of Prefect's server, and nothing in them."""
    address = {"PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{path}"}
    subprocess.run([sys.executable, "-c", _MAKE], env={**os.environ, **address}, check=True, capture_output=True)


@contextmanager
def running_server(tables: Path) -> Iterator[str]:
    """Run a server on a copy of the tables in the block and yield its address; flows of this process use it."""

    def prepared_folder() -> str:
        folder = mkdtemp()
        shutil.copy(tables, Path(folder, "prefect-test.db"))
        return folder

    with (
        patch("prefect.testing.utilities.mkdtemp", prepared_folder),
        prefect_test_harness(server_startup_timeout=180),
    ):
        yield PREFECT_API_URL.value()
