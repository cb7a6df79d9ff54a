"""A small dataset that comes in as it is, to be spoilt by one hostile thing at a time."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from nightschool.application.home import open_home
from nightschool.columns import QUARANTINE, SOURCE_ROW, TABLE, Table
from nightschool.settings import Settings
from tests.cli.conftest import Outcome, Run, require_refusal

MANIFEST = """
name = "tiny"
score = "rating"
[interactions]
files = ["log.csv"]
user = "user"
item = "item"
rating = { column = "rating", min = 1, max = 5 }
timestamp = { column = "at", unit = "iso" }
duration = "seconds"
liked = "liked"
[users]
files = ["users.csv"]
id = "user"
attributes = ["city"]
[items]
files = ["items.csv"]
id = "item"
title = "title"
text = ["title"]
ordinals = { level = ["low", "high"] }
"""
HEADER = "user,item,rating,at,seconds,liked"
N_USERS, N_ITEMS = 5, 8
N_ROWS = N_USERS * N_ITEMS


def log_row(user: object = 1, item: object = 1, **cells: object) -> str:
    """One line of the log, good but for the cells that are given."""
    row = {"rating": 3, "at": "2025-01-05T10:00:00Z", "seconds": 60, "liked": "true", **cells}
    return ",".join(str(cell) for cell in (user, item, *row.values()))


class Untrusted:
    """A source folder with a manifest, five users, eight items and every rating."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self.manifest = folder / "tiny.toml"
        self._run = run
        folder.mkdir(exist_ok=True)
        self.describe()
        self.write("users.csv", ["user,city", *(f"{user},Kraków" for user in self.user_ids)])
        self.write("items.csv", ["item,title,level", *(f"{item},Lesson {item},low" for item in self.item_ids)])
        self.write("log.csv", [HEADER, *self.rows])

    @property
    def user_ids(self) -> list[str]:
        """Ids of the users."""
        return [str(user) for user in range(1, N_USERS + 1)]

    @property
    def item_ids(self) -> list[str]:
        """Ids of the items."""
        return [str(item) for item in range(1, N_ITEMS + 1)]

    @property
    def rows(self) -> list[str]:
        """The good lines of the log."""
        return [log_row(user, item) for user in self.user_ids for item in self.item_ids]

    def many_rows(self, times: int) -> list[str]:
        """Return the good lines of the log that many times, each time a minute later."""
        minutes = [f"2025-01-05T{10 + minute // 60}:{minute % 60:02}:00Z" for minute in range(times)]
        return [log_row(user, item, at=at) for at in minutes for user in self.user_ids for item in self.item_ids]

    def describe(self, *changes: tuple[str, str]) -> None:
        """Writes the manifest with some of its text replaced."""
        text = MANIFEST
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        tomllib.loads(text)
        self.manifest.write_text(text, encoding="utf-8")

    def write(self, name: str, content: bytes | str | Sequence[str]) -> Path:
        """Writes a file of bytes, text or lines."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str | bytes):
            content = "".join(f"{line}\n" for line in content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def append(self, name: str, *lines: str) -> None:
        """Adds lines to a file."""
        with (self.folder / name).open("ab") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())

    def ingest(self, *options: object) -> Outcome:
        """What `nightschool ingest --json` leaves behind."""
        return self._run("ingest", "--dataset", self.manifest, "--source-root", self.folder, "--json", *options)

    def accepted(self) -> Mapping[str, Any]:
        """The counts by table of an ingest that put nothing aside."""
        outcome = self.ingest()
        assert (outcome.code, outcome.err) == (0, "")
        assert all(counts["quarantined"] == 0 for counts in outcome.document.values()), outcome.document
        return dict(outcome.document)

    def put_aside(self, table: Table) -> list[tuple[int, str]]:
        """Row and reason of what an ingest put aside, all of one table."""
        outcome = self.ingest()
        assert outcome.code == 0
        assert all("mangled_id" in note for note in outcome.err.splitlines()), outcome.err
        aside = open_home().lake.scan(QUARANTINE).sort(SOURCE_ROW).collect()
        assert set(aside[TABLE]) <= {table.name}
        assert aside.height == outcome.document[table.name]["quarantined"]
        return list(aside.select(SOURCE_ROW, "reason").iter_rows())

    def refused(self, code: int, *told: object) -> None:
        """Asserts one clear line and that nothing was written."""
        require_refusal(self.ingest(), code, *told)
        assert not Settings().paths.lake.exists()

    def rows_of(self, table: Table) -> pl.DataFrame:
        """The table as it stands in the home."""
        return open_home().lake.scan(table).collect()
