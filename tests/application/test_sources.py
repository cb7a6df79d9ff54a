"""Since when rows are known that a night takes in."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nightschool.application.bind_home import bind_home
from nightschool.application.sources import ingest_sources
from nightschool.columns import AVAILABLE_AT, INTERACTIONS
from nightschool.settings import Settings
from nightschool.shown.impression_store import Impression, ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from nightschool.storage.nights import NightRow, Nights
from tests.landing import make_landing
from tests.shown.given import a_list

FIRST = datetime(2025, 3, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def opened(home: Path, tmp_path: Path) -> Home:
    _, manifest = make_landing(tmp_path)
    deliver(tmp_path, "a.csv", FIRST - timedelta(hours=1))
    return bind_home(str(manifest), tmp_path)


def deliver(folder: Path, name: str, at: datetime) -> None:
    file = folder / "landing" / name
    file.write_text(f"user,item,at\n{len(name)},{ord(name[0])},2025-02-01\n")
    os.utime(file, (at.timestamp(), at.timestamp()))


def known_since(home: Home) -> list[datetime]:
    return home.lake.scan(INTERACTIONS).sort(AVAILABLE_AT).collect()[AVAILABLE_AT].to_list()


def test_rows_are_known_from_when_their_file_was_written(opened: Home) -> None:
    ingest_sources(opened, FIRST)
    assert known_since(opened) == [FIRST - timedelta(hours=1)]


def test_file_that_an_unchanged_night_did_not_see_came_after_it(opened: Home, tmp_path: Path) -> None:
    ingest_sources(opened, FIRST)
    looked = {"night_id": "n", "as_of": FIRST + DAY, "started_at": FIRST + DAY, "ended_at": FIRST + DAY}
    rows = {"interactions": {"rows_in": 1}}
    Nights.of(opened.paths).append(NightRow.model_validate({**looked, "outcome": "unchanged", "rows": rows}))
    deliver(tmp_path, "b.csv", FIRST + timedelta(hours=3))
    ingest_sources(opened, FIRST + 2 * DAY)
    assert known_since(opened) == [FIRST - timedelta(hours=1), FIRST + 2 * DAY]


def test_tables_of_many_small_files_are_joined(opened: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightschool.storage.upkeep._MANY_FILES", 3)
    for day in range(6):
        deliver(tmp_path, f"{'x' * day}{'abcdef'[day]}.csv", FIRST + day * DAY)
        ingest_sources(opened, FIRST + day * DAY)
    assert len(opened.lake.files(INTERACTIONS)) <= 3
    assert known_since(opened) == [FIRST + day * DAY for day in range(6)]


@pytest.mark.parametrize("items", ["no JSON", '{"item_id": ["1"]}'])
def test_no_night_fails_for_an_odd_list(opened: Home, items: str) -> None:
    database, at = open_database(Settings().events_address), datetime.now(UTC) - 2 * DAY
    ListStore(database).append([a_list("l", ["1"], made_at=at)._replace(items=items)])
    ImpressionStore(database).append([Impression("one", "l", "u", at)])
    report = ingest_sources(opened, FIRST)
    assert known_since(opened) == [FIRST - timedelta(hours=1)]
    assert report.warnings[-2:] == (
        "storing what was shown failed and is tried again by the next night: see the log",
        "learning from what was shown failed and is tried again by the next night: see the log",
    )
