import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import polars as pl
import pytest

from nightschool.columns import INTERACTIONS, ITEMS, RECOMMENDATIONS, RELEASES
from nightschool.errors import ConfigurationError, DataRefused
from nightschool.item_columns import ItemColumns
from nightschool.settings import HomePaths
from nightschool.storage.as_of import scan_at
from nightschool.storage.backup import backup_home, restore_home
from nightschool.storage.binding import bind
from nightschool.storage.component_files import file_hash
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore, Sent
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.search_index import SEARCH_INDEX, SearchIndex, publish_search_index
from tests.privacy.users import TEXTS, users_home


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    home = users_home(tmp_path / "home 学习?", TEXTS)
    bind(home.paths.binding, home.binding)
    return home


def sent(number: int) -> Sent:
    return Sent(f"e{number}", "u1", "i1", "view", datetime(2024, 5, 6, tzinfo=UTC))


def contents(root: Path) -> dict[str, bytes]:
    files = [file for file in root.rglob("*") if file.is_file()]
    return {str(file.relative_to(root)): file.read_bytes() for file in files}


def test_a_restored_home_is_the_home(opened: Home, tmp_path: Path) -> None:
    (opened.paths.root / "private").write_text("x")
    (opened.paths.root / "private").chmod(0o600)
    opened.paths.logs.mkdir()
    (opened.paths.logs / "a.log").write_text("not part of it")
    assert backup_home(opened.paths, tmp_path / "b.zip") == restore_home(
        tmp_path / "b.zip", HomePaths(tmp_path / "new" / "what?")
    )
    before = contents(opened.paths.root)
    del before["logs/a.log"]
    assert contents(tmp_path / "new" / "what?") == before
    assert (tmp_path / "new" / "what?" / "private").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "home 学习?", "new"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["what?"]


def test_a_release_s_index_keeps_its_bytes(opened: Home, tmp_path: Path) -> None:
    (release,) = [each.release_id for each in opened.releases.stored()][-1:]
    folder = opened.paths.serving / release
    items = scan_at(opened.lake, ITEMS, opened.releases.get(release).as_of).collect()
    index = publish_search_index(folder, items.with_columns(title=pl.lit("Words")), ItemColumns())
    backup_home(opened.paths, tmp_path / "b.zip")
    restored = HomePaths(tmp_path / "new")
    restore_home(tmp_path / "b.zip", restored)
    path = restored.serving / release / SEARCH_INDEX
    assert file_hash(path) == index[SEARCH_INDEX]
    assert SearchIndex(path).item_ids() == [1]


def test_it_is_consistent_while_events_and_commits_come_in(opened: Home, tmp_path: Path) -> None:
    store = EventStore(open_database(f"sqlite:///{opened.paths.events_database}"))
    store.append([sent(0)])
    done = Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            store.append([sent(number)])
            opened.releases.hold(f"reason {number}")

    writer = Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            backup_home(opened.paths, tmp_path / f"{number}.zip")
    finally:
        done.set()
        writer.join()
    for number in range(5):
        paths = HomePaths(tmp_path / f"new {number}")
        restore_home(tmp_path / f"{number}.zip", paths)
        with closing(sqlite3.connect(paths.events_database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            events = [name for (name,) in connection.execute("SELECT event_id FROM events ORDER BY sequence")]
        assert events == [f"e{n}" for n in range(len(events))]
        lake = Lake(paths.lake, opened.lake.user_id, opened.lake.item_id)
        for table in (INTERACTIONS, RECOMMENDATIONS):
            assert lake.scan(table).collect().height == opened.lake.scan(table).collect().height
        assert lake.scan(RELEASES).collect().height > 0


def test_a_home_that_holds_something_is_not_restored_over(opened: Home, tmp_path: Path) -> None:
    backup_home(opened.paths, tmp_path / "b.zip")
    before = contents(opened.paths.root)
    with pytest.raises(ConfigurationError, match="into a new home only"):
        restore_home(tmp_path / "b.zip", opened.paths)
    assert contents(opened.paths.root) == before


def test_an_empty_folder_becomes_the_home(opened: Home, tmp_path: Path) -> None:
    backup_home(opened.paths, tmp_path / "b.zip")
    (tmp_path / "empty").mkdir()
    assert restore_home(tmp_path / "b.zip", HomePaths(tmp_path / "empty"))


@pytest.mark.parametrize("name", ["/etc/x", "../x", "lake/../../x", "a\\..\\x", "folder/"])
def test_a_name_that_leads_out_of_the_home_is_refused(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("dataset.json", "{}")
        archive.writestr(name, "x")
    with pytest.raises(DataRefused, match="is no whole backup of a home"):
        restore_home(tmp_path / "b.zip", HomePaths(tmp_path / "new"))
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]


@pytest.mark.parametrize("damage", ["cut", "changed", "text", "other"])
def test_a_damaged_file_is_refused_and_leaves_nothing(damage: str, opened: Home, tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    backup_home(opened.paths, file)
    whole = file.read_bytes()
    middle = len(whole) // 3
    if damage == "cut":
        file.write_bytes(whole[:-100])
    elif damage == "changed":
        file.write_bytes(whole[:middle] + bytes(8) + whole[middle + 8 :])
    elif damage == "text":
        file.write_text("hello")
    else:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("holiday.jpg", "x")
    with pytest.raises(DataRefused, match="is no whole backup of a home"):
        restore_home(file, HomePaths(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_is_never_written_over_or_into_the_home(opened: Home, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_text("mine")
    for out, told in (
        (tmp_path / "b.zip", "there already"),
        (opened.paths.root / "b.zip", "in the home"),
        (tmp_path / "none" / "b.zip", "no such folder"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            backup_home(opened.paths, out)
    assert (tmp_path / "b.zip").read_text() == "mine"


def test_a_link_in_the_home_is_not_left_out_in_silence(opened: Home, tmp_path: Path) -> None:
    (opened.paths.root / "linked").symlink_to(tmp_path)
    with pytest.raises(ConfigurationError, match="a link in the home cannot be backed up"):
        backup_home(opened.paths, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()
