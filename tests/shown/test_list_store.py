from pathlib import Path

import pytest
import sqlalchemy as sa

from nightschool.errors import Unreachable
from nightschool.shown.list_store import ListStore
from nightschool.storage.database import open_database
from tests.shown.given import a_list


@pytest.fixture
def store(database: sa.Engine) -> ListStore:
    return ListStore(database)


def test_a_list_is_stored_once_however_often_it_comes(store: ListStore, database: sa.Engine) -> None:
    store.append([])
    store.append([a_list("a", "x", scenario="hero"), a_list("b", "y", user_id=None)])
    store.append([a_list("b", "z", user_id="other"), a_list("c", "x"), a_list("c", "x")])
    with database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT list_id, user_id FROM lists ORDER BY list_id").all()
    assert [*map(tuple, rows)] == [("a", "u"), ("b", None), ("c", "u")]
    assert store.scenarios(["a", "b", "?"]) == {"a": "hero", "b": ""}


def test_thousands_of_lists_are_stored_in_several_steps(store: ListStore) -> None:
    store.append([a_list(f"{n}", "xyz") for n in range(1_234)])
    assert len(store.scenarios([f"{n}" for n in range(2_000)])) == 1_234


def test_lists_of_a_user_are_forgotten(store: ListStore) -> None:
    store.append([a_list("a", "x"), a_list("b", "y", user_id="v"), a_list("c", "y", user_id=None)])
    assert (store.forget("u"), store.forget("u"), store.forget("\0")) == (1, 0, 0)
    assert {*store.scenarios("abc")} == {"b", "c"}


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    file = tmp_path / "events.db"
    store = ListStore(open_database(f"sqlite:///{file}"))
    file.unlink()
    with pytest.raises(Unreachable):
        store.append([a_list("a", "x")])
