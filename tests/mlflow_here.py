"""MLflow without what takes it seconds each time: new tables are copied, garbage is collected in this process."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import sqlalchemy as sa
from click.testing import CliRunner
from mlflow.store.db import utils

from nightschool.application import tracking


def make_tables(path: Path) -> None:
    """Make a database with MLflow's tables, and nothing in them."""
    engine = sa.create_engine(f"sqlite:///{path}")
    utils._initialize_tables(engine)
    engine.dispose()


@contextmanager
def quick_mlflow(made: Callable[[], Path]) -> Iterator[None]:
    """In the block, a new SQLite database gets the tables of one that is made, and `mlflow gc` is no process.

    tests/storage makes a database by all of MLflow's migrations, and runs `mlflow gc` as the product does.
    """
    migrate, tables = utils._upgrade_db, made()

    def upgrade(engine: sa.Engine) -> None:
        if engine.dialect.name != "sqlite" or sa.inspect(engine).has_table("alembic_version"):
            migrate(engine)
            return
        with closing(sqlite3.connect(tables)) as source, closing(engine.raw_connection()) as raw:
            source.backup(raw.driver_connection)

    with patch.object(utils, "_upgrade_db", upgrade), patch.object(tracking, "collect_garbage", _collect_garbage):
        yield


def _collect_garbage(tracking_uri: str) -> None:
    command = import_module("mlflow.cli").gc  # two more seconds of imports
    options = ["--backend-store-uri", tracking_uri]
    done = CliRunner(env={"MLFLOW_TRACKING_URI": tracking_uri}).invoke(command, options)
    assert done.exit_code == 0, done.output
