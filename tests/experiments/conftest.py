"""The database that experiments are kept in, and a home of a simulated platform that nobody writes to."""

import pytest

from nightschool.storage.home import Home
from tests.serving.homes import make_home
from tests.storage.conftest import address, database

__all__ = ["address", "database"]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Interactions of a year that ends in June 2025, without a release."""
    return make_home(tmp_path_factory.mktemp("experiments") / "home")
