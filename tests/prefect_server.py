"""A Prefect server for flows of a test process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from unittest.mock import patch

import prefect
from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness

from nightschool.storage.database_template import copy_template


@contextmanager
def running_server() -> Iterator[str]:
    """Run a server in the block and yield its address; flows of this process use it."""

    def prepared_folder() -> str:
        folder = mkdtemp()
        copy_template(f"prefect-{prefect.__version__}", Path(folder, "prefect-test.db"))
        return folder

    with (
        patch("prefect.testing.utilities.mkdtemp", prepared_folder),
        prefect_test_harness(server_startup_timeout=180),
    ):
        yield PREFECT_API_URL.value()
