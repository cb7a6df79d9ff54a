"""What the service was told of items and users comes in as a source like any other."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from nightschool.application.bind_home import bind_home
from nightschool.application.forget import forget, look_for
from nightschool.application.home import manifest_of
from nightschool.application.sources import ingest_sources, list_files
from nightschool.application.stored_about import export_user
from nightschool.columns import ITEMS, QUARANTINE, SOURCES, USERS, Table
from nightschool.data.attributes import Declared
from nightschool.settings import Settings
from nightschool.storage.as_of import scan_at
from nightschool.storage.changes import Change, ChangeStore
from nightschool.storage.database import open_database, writing
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.tables import ITEM_CHANGES, USER_CHANGES

MANIFEST = """
name = "mine"
score = "implicit"
[interactions]
files = ["log.csv"]
user = "user"
item = "item"
timestamp = { column = "at", unit = "iso" }
[items]
files = ["items.csv"]
id = "item"
title = "name"
text = ["name"]
categories = ["topic"]
ordinals = { level = ["easy", "hard"] }
lists = { tags = ";" }
numbers = { price = "number" }
[users]
files = ["users.csv"]
id = "user"
attributes = ["team"]
"""
ITEM_ROWS = "item,name,topic,level,tags,price\n7,Seven,Data,easy,a;b,10\n8,Eight,Writing,hard,,0\n"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """A database of either kind with empty tables, which the settings name."""
    address = f"sqlite:///{home / 'events.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        server.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        monkeypatch.setenv("NIGHTSCHOOL_EVENTS_URI", server.uri)
        address = server.uri
    engine = open_database(address)
    yield engine
    engine.dispose()


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    """A home of two items and two users."""
    (tmp_path / "mine.toml").write_text(MANIFEST)
    (tmp_path / "items.csv").write_text(ITEM_ROWS)
    (tmp_path / "users.csv").write_text("user,team\n1,red\n2,blue\n")
    (tmp_path / "log.csv").write_text("user,item,at\n1,7,2025-01-01\n2,8,2025-01-01\n")
    bound = bind_home(str(tmp_path / "mine.toml"), tmp_path)
    ingest_sources(bound, None)
    return bound


def say(database: sa.Engine, home: Home, entity: str, action: Any, table: sa.Table = ITEM_CHANGES, **said: Any) -> None:
    manifest = manifest_of(home)
    part = manifest.items if table is ITEM_CHANGES else manifest.users
    assert part is not None
    ChangeStore(database, table).append([Change(entity, action, Declared.by(part).checked(said))])


def known(home: Home, table: Table = ITEMS) -> dict[int, dict[str, Any]]:
    """What is known now of items or users, by id."""
    rows = scan_at(home.lake, table, datetime.now(UTC)).collect()
    return {row[rows.columns[0]]: row for row in rows.iter_rows(named=True)}


def counts(home: Home, table: Table = ITEMS) -> dict[str, Any]:
    found = ingest_sources(home, None).to_dict()[table.name]
    return {name: found[name] for name in ("accepted", "quarantined")}


def deliver(home: Home, text: str) -> None:
    """The file of items again, written now."""
    (home.binding.source_root / "items.csv").write_text(text)


def test_what_was_said_of_items_comes_in_once(database: sa.Engine, opened: Home) -> None:
    say(database, opened, "9", "put", title="Nine", topic="Data", level="hard", tags=["x", "y"], price=3)
    say(database, opened, "7", "patch", price=None, title="Seven again")
    say(database, opened, "8", "withdraw")
    assert counts(opened) == {"accepted": 3, "quarantined": 0}
    items = known(opened)
    said = ("title", "text", "topic", "level", "tags", "price", "withdrawn")
    assert [items[9][name] for name in said] == ["Nine", "Nine", "Data", "hard", ["x", "y"], 3.0, False]
    assert [items[7][name] for name in said] == ["Seven again", "Seven again", "Data", "easy", ["a", "b"], None, False]
    assert [items[8][name] for name in said] == ["Eight", "Eight", "Writing", "hard", [], 0.0, True]
    assert counts(opened) == {"accepted": 0, "quarantined": 0}
    (source,) = [file for file in list_files(opened) if file["file"] == "sent_items"]
    assert (source["state"], source["rows"]) == ("taken", 3)


def test_a_change_brings_a_withdrawn_item_back_with_all_that_describes_it(database: sa.Engine, opened: Home) -> None:
    say(database, opened, "8", "withdraw")
    counts(opened)
    say(database, opened, "8", "patch", level="easy")
    counts(opened)
    item = known(opened)[8]
    assert [item[name] for name in ("title", "level", "price", "withdrawn")] == ["Eight", "easy", 0.0, False]


def test_of_a_file_and_what_was_said_the_newer_wins(database: sa.Engine, opened: Home) -> None:
    say(database, opened, "7", "patch", title="Said first")
    deliver(opened, ITEM_ROWS.replace("Seven", "File later"))
    say(database, opened, "8", "patch", title="Said later")
    assert counts(opened)["accepted"] == 3
    assert {item: row["title"] for item, row in known(opened).items()} == {7: "File later", 8: "Said later"}
    deliver(opened, ITEM_ROWS)
    counts(opened)
    assert {item: row["title"] for item, row in known(opened).items()} == {7: "Seven", 8: "Eight"}


def test_no_full_list_withdraws_what_was_put(database: sa.Engine, opened: Home) -> None:
    say(database, opened, "9", "put", title="Nine")
    counts(opened)
    deliver(opened, ITEM_ROWS.replace("8,Eight,Writing,hard,,0\n", ""))
    counts(opened)
    assert {item: row["withdrawn"] for item, row in known(opened).items()} == {7: False, 8: True, 9: False}
    say(database, opened, "9", "withdraw")
    counts(opened)
    deliver(opened, ITEM_ROWS)
    counts(opened)
    assert {item: row["withdrawn"] for item, row in known(opened).items()} == {7: False, 8: False, 9: True}


def test_an_ingest_that_was_killed_takes_them_in_once(
    database: sa.Engine, opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(database, opened, "9", "put", title="Nine")
    append = Lake.append

    def dying(lake: Lake, table: Any, *rows: Any) -> None:
        if table is SOURCES:
            raise KeyboardInterrupt
        append(lake, table, *rows)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append", dying)
        with pytest.raises(KeyboardInterrupt):
            counts(opened)
    assert counts(opened)["accepted"] == 0
    assert opened.lake.scan(ITEMS).filter(pl.col("item_id") == 9).collect().height == 1


def test_what_no_longer_fits_the_manifest_waits_in_quarantine(database: sa.Engine, opened: Home) -> None:
    say(database, opened, "9", "put", level="hard")
    say(database, opened, "10", "put", title="Ten")
    say(database, opened, "no number", "put", title="None")
    manifest = opened.binding.source_root / "mine.toml"
    manifest.write_text(MANIFEST.replace('"easy", "hard"', '"easy", "steep"'))
    assert counts(opened) == {"accepted": 1, "quarantined": 3}
    rows = opened.lake.scan(QUARANTINE).filter(pl.col("source_file") == "sent_items").sort("source_row").collect()
    assert rows["reason"].to_list() == ["bad_attribute", "bad_item"]
    assert counts(opened)["quarantined"] == 0
    assert set(known(opened)) == {7, 8, 10}


def test_users_come_in_and_are_forgotten(database: sa.Engine, opened: Home) -> None:
    say(database, opened, "3", "put", USER_CHANGES, team="green")
    say(database, opened, "2", "patch", USER_CHANGES, team="red")
    assert counts(opened, USERS)["accepted"] == 2
    assert {user: row["team"] for user, row in known(opened, USERS).items()} == {1: "red", 2: "red", 3: "green"}
    assert [row["attributes"] for row in export_user(opened, "3")["user_changes"]] == [{"team": "green"}]
    assert look_for(opened, "3") == {"users": 1, "user_changes": 1}
    forget(opened, "3")
    assert ChangeStore(database, USER_CHANGES).count_of("3") == 0
    assert set(known(opened, USERS)) == {1, 2}
    say(database, opened, "3", "put", USER_CHANGES, team="green")
    assert counts(opened, USERS) == {"accepted": 0, "quarantined": 1}
    assert set(known(opened, USERS)) == {1, 2}


def test_who_was_only_ever_told_of_can_be_forgotten(database: sa.Engine, opened: Home) -> None:
    say(database, opened, "44", "put", USER_CHANGES, team="green")
    forget(opened, "44")
    assert ChangeStore(database, USER_CHANGES).count_of("44") == 0


def test_another_database_is_read_from_its_beginning(database: sa.Engine, opened: Home) -> None:
    for title in ("One", "Two"):
        say(database, opened, "9", "put", title=title)
    counts(opened)
    with writing(database) as connection:
        connection.execute(sa.delete(ITEM_CHANGES))
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DELETE FROM sqlite_sequence")
        else:
            connection.exec_driver_sql("ALTER SEQUENCE item_changes_sequence_seq RESTART")
    say(database, opened, "9", "put", title="Three")
    counts(opened)
    assert known(opened)[9]["title"] == "Three"


def test_a_home_without_a_database_stays_without(opened: Home) -> None:
    assert counts(opened) == {"accepted": 0, "quarantined": 0}
    assert not Path(Settings().events_address.removeprefix("sqlite:///")).exists()


def test_vector_that_was_said_is_compared_with_those_of_the_files(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MANIFEST.replace("[users]", 'vectors = ["image"]\n[users]'))
    images = ("image", '"[1, 0]"', '"[0, 1]"')
    lines = zip(ITEM_ROWS.splitlines(), images, strict=True)
    (tmp_path / "items.csv").write_text("".join(f"{line},{image}\n" for line, image in lines))
    (tmp_path / "users.csv").write_text("user,team\n1,red\n2,blue\n")
    (tmp_path / "log.csv").write_text("user,item,at\n1,7,2025-01-01\n2,8,2025-01-01\n")
    opened = bind_home(str(tmp_path / "mine.toml"), tmp_path)
    ingest_sources(opened, None)
    engine = open_database(f"sqlite:///{home / 'events.db'}")
    say(engine, opened, "7", "patch", image=[0.5, 0.5])
    say(engine, opened, "8", "patch", image=[1, 2, 3], title="Eight again")
    engine.dispose()
    assert counts(opened) == {"accepted": 2, "quarantined": 1}
    items = known(opened)
    assert (items[7]["image"], items[8]["image"], items[8]["title"]) == ([0.5, 0.5], None, "Eight again")
    lying = opened.lake.scan(QUARANTINE).select("reason", "detail").collect().rows()
    assert lying == [("unfit_vector", "image: 3 numbers, where the others have 2")]
