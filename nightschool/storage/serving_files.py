"""A release's lists as one file that a server maps into memory and reads without parsing."""

from bisect import bisect_left
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pyarrow as pa

from nightschool.columns import RANK, RECOMMENDATIONS, RELEASE_ID, USER_ID
from nightschool.storage.durable import replacing, sync


def lists_path(serving: Path, release_id: str) -> Path:
    """The file that holds the lists of a release, below the home's serving folder."""
    return serving / release_id / f"{RECOMMENDATIONS.name}.arrow"


def write_serving_files(serving: Path, release_id: str, recommendations: pl.DataFrame) -> None:
    """Writes the release's lists whole or not at all.

    The file is uncompressed Arrow IPC of one record batch: a row a user, ascending by user_id, and in each other
    column that user's list by rank. The list columns' offsets are the row offsets; a position in the list is the rank.
    """
    path = lists_path(serving, release_id)
    columns = [name for name in recommendations.columns if name not in (RELEASE_ID, USER_ID, RANK)]
    lists = recommendations.sort(USER_ID, RANK).group_by(USER_ID, maintain_order=True).agg(columns)
    table = lists.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    with replacing(path) as draft, pa.OSFile(str(draft), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    sync(serving)


def read_lists(path: Path) -> pl.DataFrame:
    """The rows that `write_serving_files` was given, without the release's id."""
    lists = pl.read_ipc(path).explode(~cs.by_name(USER_ID))
    ranks = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(USER_ID)
    return lists.with_columns(ranks.alias(RANK))


class Lists:
    """The lists of one release, mapped into memory: opening costs the same for ten users and for ten million."""

    def __init__(self, path: Path) -> None:
        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
            self._table: pa.Table = reader.read_all()
        self._users = self._table[USER_ID]

    def __len__(self) -> int:
        return len(self._users)

    def of(self, user_id: int | str) -> pl.DataFrame | None:
        """One user's list by rank, with the ranks; None for a user who has none."""
        row = bisect_left(self._users, user_id, key=lambda value: value.as_py())
        if row == len(self) or self._users[row].as_py() != user_id:
            return None
        columns = {name: self._table[name][row].values for name in self._table.column_names if name != USER_ID}
        return pl.DataFrame(columns).with_row_index(RANK, offset=1).cast({RANK: pl.Int32})
