"""A home whose source folder holds a log of ratings, written line by line."""

import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import polars as pl

from expectations import validation
from nightschool.columns import INTERACTIONS, SOURCE_FILE, SOURCE_ROW, SOURCES, USERS
from nightschool.data.manifest.manifest import Manifest
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.ingest import ingest
from nightschool.ingest.ledger import Ledger
from nightschool.storage.lake import Lake

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = "user,item,rating,at\n"
ROWS = ["1,7,4,2025-01-01", "1,8,5,2025-01-02", "2,7,3,2025-01-03"]


class Home:
    """A source folder, a manifest over it and the tables it goes into."""

    def __init__(self, root: Path, **more: object) -> None:
        self.root = root
        log = {
            "files": ["log*.csv"],
            "user": "user",
            "item": "item",
            "rating": {"column": "rating", "min": 1, "max": 5},
            "timestamp": {"column": "at", "unit": "iso"},
            **more.pop("interactions", {}),
        }
        self.manifest = Manifest.model_validate({"name": "x", "score": "rating", "interactions": log, **more})
        self.lake = Lake(root / "lake", pl.Int64(), pl.Int64())
        self.last_as_of: datetime | None = None
        self._stamps: dict[Path, float] = {}

    def write(self, rows: list[str], name: str = "log.csv", header: str = HEADER) -> None:
        (self.root / name).write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")

    def ingest(self, check: object = validation, first_seen: datetime = NOW) -> SimpleNamespace:
        """Takes in the files; those that changed since the last time arrived at `first_seen`."""
        for path in (
            path for path in self.root.rglob("*") if path.is_file() and self.root / "lake" not in path.parents
        ):
            if self._stamps.get(path) != path.stat().st_mtime:
                os.utime(path, (first_seen.timestamp(), first_seen.timestamp()))
                self._stamps[path] = path.stat().st_mtime
        now = max(NOW, first_seen)
        ledger = Ledger(self.lake, now)
        done = ingest(
            IngestContext(self.manifest, self.root, self.lake, ledger, check, first_seen, now, self.last_as_of)
        )
        self.warnings, self.files, self.report, report = done.warnings, done.files, done, done.to_dict()
        for counts in report.values():
            assert counts["rows_in"] == counts["already_known"] + counts["accepted"] + counts["quarantined"]
            assert counts["quarantined"] == sum(counts["reasons"].values())
        rare = {"set_aside": 0, "withdrawn": 0}
        return SimpleNamespace(**{name: SimpleNamespace(**rare | counts) for name, counts in report.items()})

    def rows(self, table=INTERACTIONS) -> pl.DataFrame:
        key = [SOURCE_FILE, SOURCE_ROW] if table is not SOURCES and table is not USERS else []
        frame = self.lake.scan(table).collect()
        return frame.sort(key) if key else frame
