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
        """Add a frame, even one without rows: its columns count."""
        self._folder.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(self._folder / f"{self._files:06d}.parquet", compression="lz4")
        self._files += 1
        self.rows += frame.height

    def absorb(self, other: "Spool") -> None:
        """Append the frames of another spool by moving its files."""
        if other._files:
            self._folder.mkdir(parents=True, exist_ok=True)
        for number in range(other._files):
            (other._folder / f"{number:06d}.parquet").rename(self._folder / f"{self._files + number:06d}.parquet")
        self._files += other._files
        self.rows += other.rows
        other._files = other.rows = 0

    def replace(self, frame: pl.DataFrame) -> None:
        """Replace all frames by one."""
        shutil.rmtree(self._folder)
        self._files = self.rows = 0
        self.add(frame)

    def scan(self) -> pl.LazyFrame | None:
        """Scan all rows in the order in which they came; None where no frame was added."""
        files = [self._folder / f"{number:06d}.parquet" for number in range(self._files)]
        return pl.scan_parquet(files, glob=False, hive_partitioning=False) if files else None
