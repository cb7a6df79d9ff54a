"""The candidate pools of one release, read one user at a time from the table's Parquet files."""

from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pyarrow.parquet as pq

from nightschool.columns import USER_ID
from nightschool.errors import Unreachable
from serving.schemas.common import ExternalId


class _File(NamedTuple):
    path: Path
    first: Any
    last: Any


class CandidatePools:
    """Every user's candidates with each component's score; the files' footers say which users each one holds."""

    def __init__(self, files: list[Path]) -> None:
        self._files = [_ranged(path) for path in files]

    def of(self, user_id: ExternalId) -> pl.DataFrame | None:
        """Read a user's candidates: item_id and one column a component; None for a user without any.

        Raises:
            Unreachable: The files were rewritten by an erasure, or removed, and the next release is not open yet.
        """
        files = [file.path for file in self._files if file.first <= user_id <= file.last]
        if not files:
            return None
        rows = (
            pl.scan_parquet(files, glob=False, hive_partitioning=False).filter(pl.col(USER_ID) == user_id).drop(USER_ID)
        )
        try:
            found = rows.collect()
        except FileNotFoundError as error:
            raise Unreachable("this release is being replaced", do="ask again in a second") from error
        return found if found.height else None


def _ranged(path: Path) -> _File:
    metadata = pq.read_metadata(path)
    column = metadata.schema.names.index(USER_ID)
    ranges = [metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups)]
    return _File(path, min(each.min for each in ranges), max(each.max for each in ranges))
