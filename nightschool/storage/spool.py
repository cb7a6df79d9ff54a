"""Rows on their way into a table, kept on the disk until all of them are there and judged."""

import shutil
from pathlib import Path

import polars as pl


class Spool:
    """Frames of the same columns, written one after the other and read back as one.

    Attributes:
        rows: How many rows were added.
    """

    def __init__(self, folder: Path) -> None:
        self.rows = 0
        self._folder = folder
        self._files = 0
        shutil.rmtree(folder, ignore_errors=True)

    def add(self, frame: pl.DataFrame) -> None:
        """Adds a frame, even one without rows: its columns count."""
        self._folder.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(self._folder / f"{self._files:06d}.parquet", compression="lz4")
        self._files += 1
        self.rows += frame.height

    def scan(self) -> pl.LazyFrame | None:
        """All rows in the order in which they came; None where no frame was added."""
        return pl.scan_parquet(self._folder) if self._files else None
