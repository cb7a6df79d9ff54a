import sqlite3
from contextlib import closing

from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from nightschool.storage.upgrade import upgrade


def test_a_table_of_an_older_state_gets_the_columns_that_it_lacks() -> None:
    paths = Settings().paths
    paths.root.mkdir()
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
