import sqlite3
from contextlib import closing

import pytest

from nightschool.settings import HomePaths, Settings
from nightschool.storage.database import open_database
from nightschool.storage.home_version import VERSION, home_version
from nightschool.storage.keys import Keys
from nightschool.storage.upgrade import upgrade


@pytest.fixture
def paths() -> HomePaths:
    paths = Settings().paths
    paths.root.mkdir()
    return paths


def test_an_older_home_is_of_this_version_once_it_was_upgraded(paths: HomePaths) -> None:
    assert upgrade(paths)
    assert home_version(paths) == VERSION
    assert not upgrade(paths)


def test_a_table_of_an_older_state_gets_the_columns_that_it_lacks(paths: HomePaths) -> None:
    engine = open_database(Settings().events_address)
    Keys(engine).add("page", "read")
    engine.dispose()
    with closing(sqlite3.connect(paths.events_database)) as connection:
        connection.execute("ALTER TABLE experiments DROP COLUMN stopped_at")
        connection.execute("DROP TABLE exposures")
        connection.commit()
    assert upgrade(paths)
    with closing(sqlite3.connect(paths.events_database)) as connection:
        assert connection.execute("SELECT stopped_at FROM experiments").fetchall() == []
        assert connection.execute("SELECT arm FROM exposures").fetchall() == []
        assert connection.execute("SELECT name FROM keys").fetchall() == [("page",)]
