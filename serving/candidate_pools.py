"""The candidate pools of one release, read one user at a time from the table's Parquet files."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl
import pyarrow.parquet as pq

from nightschool.columns import ITEM_ID, USER_ID
from nightschool.errors import Unreachable
from serving.cache import Cache
from serving.schemas.common import ExternalId

_CACHED_BYTES: Final = 40_000_000
_FRAME_BYTES: Final = 2_000


class _File(NamedTuple):
    path: Path
    first: Any
    last: Any


class _Kept(NamedTuple):
    """A pool that was read lately: whoever did something does more soon."""

    pool: pl.DataFrame | None

    @property
    def size(self) -> int:
        """Return the bytes that it takes, about."""
        return _FRAME_BYTES + (0 if self.pool is None else int(self.pool.estimated_size()))


class ReadPools(NamedTuple):
    """The candidates of some users, read before they are asked for."""

    pools: "CandidatePools"
    users: Collection[ExternalId]
    found: Mapping[ExternalId, pl.DataFrame]

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Answer from them what this thread asks the pools for in the block."""
        token = _held.set(self)
        try:
            yield
        finally:
            _held.reset(token)


_held: ContextVar[ReadPools | None] = ContextVar("held", default=None)


class CandidatePools:
    """Every user's candidates with each component's score; the files' footers say which users each one holds."""

    def __init__(self, files: list[Path]) -> None:
        self._files = [_ranged(path) for path in files]
        self._latest = Cache[_Kept](_CACHED_BYTES)

    def of(self, user_id: ExternalId) -> pl.DataFrame | None:
        """Read a user's candidates: item_id and one column a component; None for a user without any.

        Raises:
            Unreachable: The files were rewritten by an erasure, or removed, and the next release is not open yet.
        """
        held = _held.get()
        if held is not None and held.pools is self and user_id in held.users:
            return held.found.get(user_id)
        kept = self._latest.get(user_id)
        if kept is None:
            kept = _Kept(self._read([user_id]).get(user_id))
            self._latest.put(user_id, kept)
        return kept.pool

    def of_many(self, user_ids: Sequence[ExternalId]) -> "ReadPools":
        """Read the candidates of many users at once.

        Raises:
            Unreachable: As `of`.
        """
        return ReadPools(self, frozenset(user_ids), self._read(user_ids) if user_ids else {})

    def _read(self, user_ids: Sequence[ExternalId]) -> Mapping[ExternalId, pl.DataFrame]:
        first, last = min(user_ids), max(user_ids)
        files = [file.path for file in self._files if file.first <= last and first <= file.last]
        if not files:
            return {}
        wanted = pl.col(USER_ID) == first if first == last else pl.col(USER_ID).is_in(list(user_ids))
        found = _collected(_scan(files).filter(wanted))
        parts = found.partition_by(USER_ID, as_dict=True, include_key=False)
        return {user_id: part for (user_id,), part in parts.items()}

    def holding(self, item_id: ExternalId) -> pl.DataFrame:
        """Read the users among whose candidates an item is: user_id and one column a component.

        Raises:
            Unreachable: The files were rewritten by an erasure, or removed, and the next release is not open yet.
        """
        if not self._files:
            return pl.DataFrame(schema=[USER_ID])
        return _collected(_scan([file.path for file in self._files]).filter(pl.col(ITEM_ID) == item_id).drop(ITEM_ID))


def _scan(files: list[Path]) -> pl.LazyFrame:
    return pl.scan_parquet(files, glob=False, hive_partitioning=False)


def _collected(rows: pl.LazyFrame) -> pl.DataFrame:
    try:
        return rows.collect()
    except FileNotFoundError as error:
        raise Unreachable("this release is being replaced", do="ask again in a second") from error


def _ranged(path: Path) -> _File:
    metadata = pq.read_metadata(path)
    column = metadata.schema.names.index(USER_ID)
    ranges = [metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups)]
    return _File(path, min(each.min for each in ranges), max(each.max for each in ranges))
