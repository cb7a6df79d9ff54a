import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from mlflow import MlflowClient

from nightschool.storage.database import open_database
from nightschool.storage.registry import Registry
from nightschool.storage.store import Store
from tests.postgres import Server
from tests.storage.machines import Machine
from tests.storage.stores import in_memory


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's own tables take seconds to make: they are made once and copied."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> str:
    """The URI of an MLflow store that holds nothing yet."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def registry(store: str, tmp_path: Path) -> Registry:
    return Registry(store, tmp_path / "mlartifacts")


@pytest.fixture
def client(store: str) -> MlflowClient:
    return MlflowClient(store)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of either kind that holds nothing yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a folder? with #marks%20' / 'events.db'}"
    server: Server = request.getfixturevalue("postgres")
    server.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return server.uri


@pytest.fixture
def database(address: str) -> Iterator[sa.Engine]:
    """A database of either kind with empty tables."""
    engine = open_database(address)
    yield engine
    engine.dispose()


@pytest.fixture
def object_store() -> Store:
    """An object store that machines share, in memory."""
    return in_memory()


@pytest.fixture
def machines(object_store: Store, tmp_path: Path) -> tuple[Machine, Machine]:
    """Two machines with a copy of it."""
    return Machine(tmp_path / "one", object_store), Machine(tmp_path / "two", object_store)
