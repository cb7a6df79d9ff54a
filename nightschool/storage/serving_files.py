"""A release's lists as files that a server maps into memory and reads without parsing."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from nightschool.columns import (
    HISTORIES,
    ITEM_ID,
    NEIGHBOR_ID,
    NEXT_ITEMS,
    RANK,
    RECOMMENDATIONS,
    RELEASE_ID,
    SIMILAR_ITEMS,
    SIMILAR_USERS,
    USER_ID,
    Table,
)
from nightschool.errors import Unreachable
from nightschool.storage.durable import replacing, sync
from nightschool.storage.fingerprints import is_ascending
from nightschool.storage.mapped_file import MappedFile


class _Shape(NamedTuple):
    """How a table's rows become lists.

    Attributes:
        table: The rows; they are sorted by its key.
        of: Whose lists they are.
        as_given: Whether a list keeps the order of its rows, rather than taking that of the table's key.
    """

    table: Table
    of: str = USER_ID
    as_given: bool = False

    @property
    def rank_by_place(self) -> str | None:
        """The rank, where an entry's place in its list says it; it needs no column then."""
        return RANK if self.table.key == (self.of, RANK) else None


_SHAPES: Final = {
    shape.table.name: shape
    for shape in (
        _Shape(RECOMMENDATIONS),
        _Shape(HISTORIES, as_given=True),
        _Shape(SIMILAR_USERS),
        _Shape(SIMILAR_ITEMS, of=ITEM_ID),
        _Shape(NEXT_ITEMS, of=ITEM_ID),
    )
}

SERVED: Final = tuple(shape.table for shape in _SHAPES.values())
"""What a server reads of a release: its lists, and what they were made from."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FORMATS: Final[dict[pa.DataType, Literal["q", "i", "f"]]] = {
    pa.int64(): "q",
    pa.int32(): "i",
    pa.float32(): "f",
    pa.timestamp("us", "UTC"): "q",
}
"""Arrow's numbers as memory views name them."""

_Reading = Callable[[int, int], list[Any]]


def lists_path(serving: Path, release_id: str, table: Table = RECOMMENDATIONS) -> Path:
    """Return the file of a release's lists of one kind, below the home's serving folder."""
    return serving / release_id / f"{table.name}.arrow"


def write_serving_files(serving: Path, release_id: str, frames: Mapping[str, pl.LazyFrame]) -> None:
    """Write the lists of a release by the name of their table; each file whole or not at all.

    A file is uncompressed Arrow IPC of one record batch: a row a user (an item), ascending by id, and in each other
    column that user's list, its few words in a dictionary. The list columns' offsets are the row offsets. Lists are in
    the order of the table's key, a place in the list being the rank; histories are in the order of their rows, which is
    from the newest to the oldest.
    """
    for name, frame in frames.items():
        lists = _as_lists(frame.collect(), _SHAPES[name])
        path = lists_path(serving, release_id, _SHAPES[name].table)
        with (
            replacing(path) as draft,
            pa.OSFile(str(draft), "wb") as sink,
            pa.ipc.new_file(sink, lists.schema) as writer,
        ):
            writer.write_batch(lists)
    sync(serving)


def _as_lists(rows: pl.DataFrame, shape: _Shape) -> pa.RecordBatch:
    key = shape.table.key
    if shape.as_given and not rows[shape.of].is_sorted():
        rows = rows.sort(shape.of, maintain_order=True)
    elif not shape.as_given and not is_ascending(rows.select(key), key):
        rows = rows.sort(key)
    owner = rows[shape.of]
    first = np.flatnonzero((owner != owner.shift()).fill_null(value=True).to_numpy())
    words = [name for name, dtype in shape.table.columns.items() if dtype is pl.String]
    offsets = pa.array(np.append(first, rows.height).astype(np.int64))
    columns = {shape.of: _arrow(owner.gather(first))}
    for column in rows.drop(RELEASE_ID, shape.of, shape.rank_by_place or [], strict=False):
        values = _arrow(column)
        values = values.dictionary_encode() if column.name in words else values
        columns[column.name] = pa.LargeListArray.from_arrays(offsets, values)
    return pa.RecordBatch.from_pydict(columns)


def _arrow(column: pl.Series) -> pa.Array:
    return column.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())


def read_lists(path: Path) -> pl.DataFrame:
    """Read the rows that `write_serving_files` wrote, without the release's id."""
    shape = _SHAPES[path.stem]
    lists = pl.scan_ipc(path, glob=False, hive_partitioning=False).collect()
    rows = lists.explode(lists.columns[1:]).cast({pl.Categorical: pl.String})
    if shape.rank_by_place is None:
        return rows
    return rows.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(shape.of).alias(shape.rank_by_place))


class ServingFile(MappedFile):
    """A file of a release's lists, mapped into memory: opening costs the same for ten users and for ten million."""

    def __init__(self, path: Path) -> None:
        """Map a file into memory; its size must not change meanwhile, so it is only ever replaced as a whole.

        Raises:
            Unreachable: The file is missing, or no such file.
        """
        try:
            super().__init__(path)
            with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
                batch = reader.get_batch(0)
            batch.validate()
        except (OSError, pa.ArrowException) as error:
            do = "run `nightschool retrain`, or roll back: nightschool releases rollback"
            seen = (getattr(error, "strerror", None) or str(error))[:200]
            raise Unreachable(f"{path.parent.name}/{path.name} is missing or damaged", seen=seen, do=do) from error
        self._shape = _SHAPES[path.stem]
        self._keys, *lists = batch.columns
        self._find = _finding(self._keys)
        self._starts = _numbers(lists[0].offsets)
        values = {name: column.values for name, column in zip(batch.schema.names[1:], lists, strict=True)}
        self._users = values.get(NEIGHBOR_ID) if self._shape.of == USER_ID else None
        self._schema = {name: _dtype(column) for name, column in values.items()}
        self._reading = {name: _reading(column) for name, column in values.items()}

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def keys(self) -> pl.Series:
        """Whose lists these are, ascending."""
        return pl.Series(self._shape.of, self._keys)

    def holds_user(self, user_id: int | str) -> bool:
        """Return whether a list belongs to a user, or holds the user as a neighbour."""
        own = self._shape.of == USER_ID and self._find(user_id) is not None
        return own or (self._users is not None and bool(pc.any(pc.equal(self._users, user_id)).as_py()))

    def __contains__(self, key: int | str) -> bool:
        return self._find(key) is not None

    def columns_of(self, key: int | str | None, most: int | None = None) -> dict[str, list[Any]] | None:
        """Read one list as Python values by column, without a rank that equals the place; None without a list.

        Args:
            key: Whose; None: nobody's.
            most: How many entries from the first on; None: all.
        """
        row = None if key is None else self._find(key)
        if row is None:
            return None
        start, stop = self._starts[row], self._starts[row + 1]
        stop = stop if most is None else min(stop, start + most)
        return {name: read(start, stop) for name, read in self._reading.items()}

    def of(self, key: int | str) -> pl.DataFrame | None:
        """Read one list as a frame, with the ranks; None without a list."""
        columns = self.columns_of(key)
        if columns is None:
            return None
        rows = pl.DataFrame(columns, schema=self._schema)
        place = self._shape.rank_by_place
        return rows if place is None else rows.with_row_index(place, offset=1).cast({place: pl.Int32})


class _Texts:
    """A column of texts; reading some decodes no other."""

    def __init__(self, column: pa.Array) -> None:
        _, offsets, letters = column.buffers()
        self._offsets = memoryview(offsets or b"").cast("q")
        self._bytes = memoryview(letters or b"").cast("B")

    def __len__(self) -> int:
        return max(len(self._offsets) - 1, 0)

    def find(self, text: str) -> int | None:
        """Find a text's place in an ascending column by binary search over its bytes; None if it is not there."""
        wanted = text.encode(errors="surrogatepass")
        data, ends = self._bytes, self._offsets
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if data[ends[middle] : ends[middle + 1]].tobytes() < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and data[ends[low] : ends[low + 1]] == wanted else None

    def between(self, start: int, stop: int) -> list[str]:
        ends = self._offsets[start : stop + 1].tolist()
        first = ends[0]
        text = str(self._bytes[first : ends[-1]], "utf-8")
        if len(text) < ends[-1] - first:
            return [str(self._bytes[one:other], "utf-8") for one, other in pairwise(ends)]
        return [text[one - first : other - first] for one, other in pairwise(ends)]


def _numbers(column: pa.Array) -> "memoryview[Any]":
    numbers: memoryview[Any] = memoryview(column.buffers()[1] or b"").cast(_FORMATS[column.type])
    return numbers[: len(column)]


def _dtype(column: pa.Array) -> pl.DataType:
    return pl.String() if pa.types.is_dictionary(column.type) else pl.Series(column[:0]).dtype


def _finding(ids: pa.Array) -> Callable[[Any], int | None]:
    """Build the function that finds the row of an id, or returns None."""
    if pa.types.is_large_string(ids.type):
        return _Texts(ids).find
    return partial(_find_number, _numbers(ids))


def _find_number(numbers: "memoryview[Any]", number: int) -> int | None:
    row = bisect_left(numbers, number)
    return row if row < len(numbers) and numbers[row] == number else None


def _reading(column: pa.Array) -> _Reading:
    """Build the function that reads the values from one place to another as Python objects."""
    if pa.types.is_dictionary(column.type):
        words = column.dictionary.to_pylist()
        codes = _reading(column.indices)
        return lambda start, stop: [None if code is None else words[code] for code in codes(start, stop)]
    if pa.types.is_large_string(column.type):
        read: _Reading = _Texts(column).between
    else:
        numbers = _numbers(column)
        read = partial(_between, numbers)
    known = _known(column, read) if column.null_count else read
    return _instants(known) if pa.types.is_timestamp(column.type) else known


def _between(numbers: "memoryview[Any]", start: int, stop: int) -> list[Any]:
    return numbers[start:stop].tolist()


def _known(column: pa.Array, read: _Reading) -> _Reading:
    bits = memoryview(column.buffers()[0])

    def values(start: int, stop: int) -> list[Any]:
        # One number of as many bits: for the few entries of a list faster than arrays.
        known = int.from_bytes(bits[start // 8 : stop // 8 + 1], "little") >> start % 8
        return [value if known >> place & 1 else None for place, value in enumerate(read(start, stop))]

    return values


def _instants(read: _Reading) -> _Reading:
    def values(start: int, stop: int) -> list[datetime | None]:
        counts = read(start, stop)
        return [None if count is None else _EPOCH + timedelta(microseconds=count) for count in counts]

    return values
