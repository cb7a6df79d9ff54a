"""One real Prefect server for all nights of the session."""

from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """The address of a Prefect server with a database of its own; flows of this process use it."""
    with prefect_test_harness(server_startup_timeout=180):
        yield PREFECT_API_URL.value()
