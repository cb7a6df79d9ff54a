from pathlib import Path

import pytest
from sqlalchemy import make_url

from nightschool.sqlite import sqlite_address, sqlite_path


@pytest.mark.parametrize(
    "path", ["/a/b.db", "/a b/ü/学习/100%/b#c.db", "/what?/b.db", "/what?/100%/%20/b.db", "/file:/b.db"]
)
def test_an_address_leads_back_to_its_path(path: str) -> None:
    assert sqlite_path(sqlite_address(Path(path))) == Path(path)


def test_an_address_of_another_kind_has_no_path() -> None:
    assert sqlite_path("http://127.0.0.1:5000") is None
    assert sqlite_path("postgresql://ada@host/db") is None
    assert sqlite_path("postgresql+asyncpg://ada@host/db") is None


@pytest.mark.parametrize(
    "rest", ["", ":memory:", "file::memory:?cache=shared&uri=true&check_same_thread=false", "/a/b.db?timeout=60"]
)
def test_an_address_that_is_no_file_alone_has_no_path(rest: str) -> None:
    assert sqlite_path(f"sqlite+aiosqlite:///{rest}") is None


def test_a_driver_changes_no_path() -> None:
    assert sqlite_path("sqlite+aiosqlite:////a/b.db") == Path("/a/b.db")


def test_a_question_mark_does_not_cut_the_path() -> None:
    assert make_url(sqlite_address(Path("/what?/b.db"))).database == "file:/what%3F/b.db"
    assert sqlite_address(Path("/what?/b.db"), "aiosqlite") == "sqlite+aiosqlite:///file:/what%3F/b.db?uri=true"
