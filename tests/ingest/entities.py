"""A source folder with users, items and one interaction, whose files arrive when a test says so."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from expectations import validation
from nightschool.columns import (
    AVAILABLE_AT,
    USER_ID,
    USERS,
)
from nightschool.data.manifest.manifest import Manifest
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.ingest import ingest
from nightschool.ingest.ledger import Ledger
from nightschool.storage.lake import Lake

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


class Home:
    """A source folder with users, items and one interaction, and the tables they go into."""

    def __init__(self, root: Path, history: bool = False) -> None:
        self.root = root
        self.stamps: dict[Path, float] = {}
        self.manifest = Manifest.model_validate(
            {
                "name": "x",
                "score": "implicit",
                "history": history,
                "interactions": {"files": ["log.csv"], "user": "user", "item": "item"},
                "users": {"files": ["users*.csv"], "id": "id", "attributes": ["role"], "lists": {"likes": "|"}},
                "items": {
                    "files": ["items.csv"],
                    "id": "id",
                    "title": "title",
                    "available": {"column": "since", "unit": "iso"},
                },
            }
        )
        self.lake = Lake(root / "lake", pl.Int64(), pl.String())
        self.write("log.csv", "user,item\n1,a\n")
        self.write("users.csv", "id,role,likes\n1,Student,x|y\n2,,\n")
        self.write("items.csv", "id,title,since\na,Joins,\n")

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def describe(self, table: str, **changed: object) -> None:
        part = getattr(self.manifest, table).model_copy(update=changed)
        self.manifest = self.manifest.model_copy(update={table: part})

    def ingest(self, at: datetime = MONDAY) -> dict:
        for path in self.root.glob("*.csv"):
            if self.stamps.get(path) != path.stat().st_mtime:
                os.utime(path, (at.timestamp(), at.timestamp()))
                self.stamps[path] = path.stat().st_mtime
        ledger = Ledger(self.lake, at)
        return ingest(IngestContext(self.manifest, self.root, self.lake, ledger, validation, at, at)).to_dict()

    def users(self) -> list[tuple]:
        columns = [USER_ID, "role", "likes", AVAILABLE_AT]
        return self.lake.scan(USERS).collect().sort(USER_ID, AVAILABLE_AT).select(columns).rows()
