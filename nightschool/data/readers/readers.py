"""Source files to raw rows, in blocks and in file order, from where the last ingest stopped reading."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from nightschool.columns import DETAIL, REASON, ROW, SOURCE_ROW
from nightschool.data.manifest.manifest import Interactions, Items, Manifest, Users
from nightschool.data.manifest.sections import IdMap, Origins, Sourced
from nightschool.data.normalization.ids import choose_dtype
from nightschool.data.normalization.missing import without_missing
from nightschool.data.normalization.normalise import IdMaps, IdTypes
from nightschool.data.normalization.parse_values import to_text
from nightschool.data.readers.csr import csr_rows
from nightschool.data.readers.delimited import read_header, require_fields, require_keys
from nightschool.data.readers.formats import Adjacency, Csr, Csv, Format, Jsonl, Names, Parquet, Sql
from nightschool.data.readers.parquet import parquet_rows
from nightschool.data.readers.parsing import RAW, open_lines, split_adjacency, split_csv, split_jsonl, to_lines
from nightschool.data.readers.sources import (
    LONGEST_LINE,
    Extent,
    SourceFile,
    changed,
    ended_whole,
    find_sources,
    line_blocks,
    measure,
    open_source,
    skip_known,
)
from nightschool.data.readers.sql import query_rows
from nightschool.errors import DataRefused, NotFound

_LINE_ENDS: Final = (b"\n", b"\r\n")
_LONGEST_RECORD: Final = 1000
"""Lines after which a quote that stays open counts as a fault, not as a record still to be closed."""


def sources_of(part: Sourced, root: Path) -> list[SourceFile]:
    """The files of a part of the manifest, or its one query.

    Raises:
        NotFound: The root does not exist, or a file is missing.
    """
    if isinstance(part.format, Sql):
        return [SourceFile(part.format.name, part.format.root(root))]
    return find_sources(root, part.files)


def is_unchanged(file: SourceFile, kind: Format, known: Extent) -> bool:
    """Whether a file still holds just what was read of it; what a query gives is not known before it is read.

    Raises:
        NotFound: The file is gone.
        DataRefused: It cannot be decompressed.
    """
    return not isinstance(kind, Sql) and measure(file) == (known.bytes, known.sha256)


def count_rows(file: SourceFile, kind: Format) -> int:
    """Return how many rows a file holds by its lines, a header and blank lines not counted; 0 where it has no lines.

    This is for a file that cannot be read as its manifest says: a record of several lines counts as several.
    """
    if isinstance(kind, Sql | Csr):
        return 0
    try:
        if isinstance(kind, Parquet):
            return int(pl.scan_parquet(file.path, glob=False).select(pl.len()).collect().item())
        encoding = kind.encoding if isinstance(kind, Csv) else "utf-8"
        with open_source(file) as stream:
            n_lines = sum(
                int((to_lines(block).str.strip_chars() != "").sum()) for block in line_blocks(stream, file, encoding)
            )
    except (DataRefused, NotFound, PolarsError):
        return 0
    return max(n_lines - (isinstance(kind, Csv) and kind.header), 0)


class Reading:
    """One pass over what is new in a source file, or in the result of a query.

    Attributes:
        extent: How far the file has been read; complete once `batches` has run out.
    """

    def __init__(
        self, file: SourceFile, kind: Format, columns: Names, known: Extent | None = None, *, offset: int = 0
    ) -> None:
        self.file = file
        self.extent = known or Extent(0, offset, "", offset=offset)
        self._kind = kind
        self._needed = columns
        self._known = known

    def batches(self) -> Iterator[pl.DataFrame]:
        """Frames of new rows: source_row, raw (a struct of the file's columns), reason, detail, row.

        `source_row` counts the rows under the file's name from 1, a header and blank lines not counted. `reason` is the
        code of a row that could not be taken apart; `row` is then its text as JSON, and otherwise filled only where the
        raw columns do not hold everything.

        Raises:
            NotFound: The file is gone, or the database does not answer.
            DataRefused: It cannot be decompressed or decoded, lacks a column, or its known part changed.
            ConfigurationError: The database's address is not known, or is none.
        """
        for frame in self._frames():
            first = self.extent.rows + 1
            self.extent = replace(self.extent, rows=self.extent.rows + frame.height)
            yield frame.select(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias(SOURCE_ROW), pl.all())

    def _frames(self) -> Iterator[pl.DataFrame]:
        if isinstance(self._kind, Sql):
            return self._query(self._kind)
        if isinstance(self._kind, Parquet | Csr) or _is_wide(self._kind.encoding):
            return self._whole(self._kind)
        return self._text(self._kind)

    def _query(self, kind: Sql) -> Iterator[pl.DataFrame]:
        for position, rows in query_rows(kind, self.file, self._needed, self._known):
            self.extent = replace(self.extent, position=position)
            yield rows

    def _text(self, kind: Csv | Jsonl | Adjacency) -> Iterator[pl.DataFrame]:
        columns = read_header(self.file, kind, self._needed) if isinstance(kind, Csv) else self._needed
        with open_source(self.file) as stream:
            unended = skip_known(stream, self.file, self._known) if self._known else b""
            carried = pl.Series(dtype=pl.String)
            for number, block in enumerate(line_blocks(stream, self.file, kind.encoding)):
                if unended and number == 0 and not block.startswith(_LINE_ENDS):
                    raise changed(self.file, "its last line went on")
                lines = pl.concat([carried, to_lines(block)])
                if self._known is None and number == 0:
                    lines = self._first(lines, kind)
                carried = lines.tail(_still_open(lines, kind))
                yield _split(lines.head(len(lines) - len(carried)), kind, columns)
            if len(carried):
                yield _split(carried, kind, columns)
            self.extent = replace(self.extent, bytes=stream.bytes, sha256=stream.sha256)

    def _first(self, lines: pl.Series, kind: Csv | Jsonl | Adjacency) -> pl.Series:
        """The rows among a file's first lines, which must look as the manifest says."""
        if isinstance(kind, Jsonl):
            require_keys(self.file, lines, self._needed)
        if isinstance(kind, Csv) and not kind.header:
            require_fields(self.file, _split(lines, kind, kind.columns), kind)
        return lines.slice(1) if isinstance(kind, Csv) and kind.header else lines

    def _whole(self, kind: Parquet | Csr | Csv | Jsonl | Adjacency) -> Iterator[pl.DataFrame]:
        """Rows of a file that cannot grow: all of them, or none of a file that is known."""
        n_bytes, sha256 = measure(self.file)
        if self._known and sha256 != self._known.sha256:
            raise changed(self.file, "files of its kind and encoding are taken whole, and this is another one")
        if not self._known:
            yield from self._all(kind)
            if measure(self.file) != (n_bytes, sha256):
                raise DataRefused(f"{self.file.name} was written while it was read", do="try again once it is whole")
        self.extent = replace(self.extent, bytes=n_bytes, sha256=sha256)

    def _all(self, kind: Parquet | Csr | Csv | Jsonl | Adjacency) -> Iterator[pl.DataFrame]:
        if isinstance(kind, Parquet):
            return parquet_rows(self.file, self._needed)
        return csr_rows(self.file, kind, self._needed) if isinstance(kind, Csr) else self._text(kind)


def no_rows(columns: Names) -> pl.DataFrame:
    """Return a frame without rows, as a file without rows gives it."""
    text = pl.String()
    raw = pl.Struct(dict.fromkeys(columns, text))
    return pl.DataFrame(schema={SOURCE_ROW: pl.Int64, RAW: raw, REASON: text, DETAIL: text, ROW: text})


def before_torn_line(file: SourceFile, kind: Format, columns: Names, known: Extent) -> Extent | None:
    """How far the file was read before its last line, where that was cut short when it was read and has gone on since.

    None where it was whole, and for encodings whose line end is not that of ASCII.

    Raises:
        NotFound: The file is gone.
        DataRefused: It cannot be decompressed, or its known part changed, as far as it had to be read to tell.
    """
    if isinstance(kind, Parquet | Csr | Sql) or _is_wide(kind.encoding) or ended_whole(file, known):
        return None
    with open_source(file) as stream:
        torn = skip_known(stream, file, known)
        following = stream.read(2)
    if not torn or not following or following.startswith(_LINE_ENDS):
        return None
    n_bytes, sha256 = measure(file, known.bytes - len(torn))
    rows = _split(to_lines(torn.decode(kind.encoding).encode()), kind, columns)
    return replace(known, bytes=n_bytes, rows=known.rows - rows.height, sha256=sha256)


def grows(kind: Format) -> bool:
    """Return whether rows can be appended to a file of this format and read from where the last reading ended."""
    return not isinstance(kind, Parquet | Csr | Sql) and not _is_wide(kind.encoding)


def _is_wide(encoding: str) -> bool:
    """Whether a line end is more than one byte, so that bytes do not tell where a line ends."""
    return "\n".encode(encoding) != b"\n"


def _split(lines: pl.Series, kind: Csv | Jsonl | Adjacency, columns: Names) -> pl.DataFrame:
    if isinstance(kind, Csv):
        return split_csv(lines, columns, kind.separator, quotes=kind.quotes)
    return split_jsonl(lines, columns) if isinstance(kind, Jsonl) else split_adjacency(lines)


def _still_open(lines: pl.Series, kind: Csv | Jsonl | Adjacency) -> int:
    n_open = open_lines(lines, kind.separator) if isinstance(kind, Csv) and kind.quotes else 0
    too_long = n_open > _LONGEST_RECORD or lines.tail(n_open).str.len_bytes().sum() > LONGEST_LINE
    return 0 if too_long else n_open


def read_id_maps(part: Interactions, root: Path) -> IdMaps:
    """How the ids of these interactions and their origins translate; nothing where they are external already.

    Raises:
        NotFound: A map's file is missing.
        DataRefused: It cannot be read, or gives one id two translations.
    """
    origin = part.timestamp.origin if part.timestamp else None
    of_origin = origin.map if isinstance(origin, Origins) else None
    return IdMaps(*(_id_map(each, root) if each else None for each in (part.user_map, part.item_map, of_origin)))


def infer_id_dtypes(manifest: Manifest, source_root: Path) -> IdTypes:
    """The dtypes of a new home's ids: Int64 where nearly every id is a whole number, else String.

    Ids come from the users and items files where the manifest has them, else from the interactions.

    Raises:
        NotFound: A file is missing, or there is none yet that shows ids.
        DataRefused: A file cannot be read.
    """
    users, items, log = manifest.users, manifest.items, manifest.interactions
    user_ids = [(users, users.id, None)] if users else [(part, part.user, part.user_map) for part in log]
    item_ids = [(items, items.id, None)] if items else [(part, part.item, part.item_map) for part in log]
    texts, text = manifest.text_ids, pl.String()
    user = text if "user" in texts else _common_dtype(user_ids, source_root)
    return IdTypes(user, text if "item" in texts else _common_dtype(item_ids, source_root))


def _common_dtype(ids: Sequence[tuple[Users | Items | Interactions, str, IdMap | None]], root: Path) -> pl.DataType:
    if not any(translation or sources_of(part, root) for part, _, translation in ids):
        folders = ", ".join(pattern for part, _, _ in ids for pattern in part.files)
        raise NotFound(f"there is no file in {folders} yet", do="put one there first: it shows what the ids are")
    return choose_dtype(block for each in ids for block in _ids(*each, root))


def _ids(part: Users | Items | Interactions, column: str, ids: IdMap | None, root: Path) -> Iterator[pl.Series]:
    """The ids of a part's files as text, block by block."""
    if ids is not None:
        yield _id_map(ids, root)["target"]
        return
    headless = isinstance(part.format, Csv) and not part.format.header
    for file in sources_of(part, root):
        for rows in Reading(file, part.format, (column,)).batches():
            # The first row of a headless file may be a header all the same: it has no say.
            text = to_text(rows.filter(pl.col(SOURCE_ROW) > int(headless))[RAW].struct.field(column))
            yield without_missing(text, part.missing)


def _id_map(ids: IdMap, root: Path) -> pl.DataFrame:
    columns = [pl.col(RAW).struct.field(name).cast(pl.String) for name in (ids.source, ids.target)]
    readings = [Reading(file, ids.format, (ids.source, ids.target)) for file in find_sources(root, (ids.file,))]
    pairs = pl.concat(
        rows.select(columns[0].alias("source"), columns[1].alias("target"))
        for each in readings
        for rows in each.batches()
    )
    twice = pairs.filter(pl.col("source").is_duplicated())
    if twice.height:
        do = "keep one line an id"
        raise DataRefused(f"{ids.file} translates an id more than once", seen=twice["source"][0], do=do)
    return pairs.drop_nulls()
