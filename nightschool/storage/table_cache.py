"""Small tables in memory, so that one process reads each version of them once."""

from typing import Final

import polars as pl
from deltalake import DeltaTable

from nightschool.storage.delta_files import scan_table, table_files

SMALL_BYTES: Final = 16 << 20
"""Size of a small table's Parquet files: some 500,000 interactions, 100 MB in memory. Larger tables are streamed."""


class TableCache:
    """The newest version of each small table that was scanned.

    Args:
        most_bytes: The size of a table's Parquet files up to which it is kept; 0 to keep none.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: dict[str, tuple[int, pl.DataFrame]] = {}

    def scan(self, stored: DeltaTable) -> pl.LazyFrame:
        """Scan a table: from memory where this version of it was read before or is small, else from its files."""
        if not self._most_bytes:
            return scan_table(stored)
        name, version = stored.table_uri, stored.version()
        if name in self._kept and self._kept[name][0] == version:
            return self._kept[name][1].lazy()
        self._kept.pop(name, None)
        rows = scan_table(stored)
        if sum(file.stat().st_size for file in table_files(stored)) > self._most_bytes:
            return rows
        frame = rows.collect()
        self._kept[name] = (version, frame)
        return frame.lazy()
