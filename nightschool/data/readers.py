"""Source files to raw rows, in blocks and in file order, from where the last ingest stopped reading."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from nightschool.columns import DETAIL, REASON, ROW, SOURCE_ROW
from nightschool.data.fields import are_whole_numbers, to_text
from nightschool.data.formats import Adjacency, Csv, Format, Jsonl, Names, Parquet
from nightschool.data.manifest import IdMap, Interactions, Items, Manifest, Users
from nightschool.data.normalise import IdMaps, IdTypes
from nightschool.data.parsing import RAW, open_lines, split_adjacency, split_csv, split_header, split_jsonl, to_lines
from nightschool.data.sources import (
    Extent,
    SourceFile,
    changed,
    find_sources,
    line_blocks,
    measure,
    open_source,
    skip_known,
)
from nightschool.errors import DataRefused

_BLOCK_ROWS: Final = 500_000
_LINE_ENDS: Final = (b"\n", b"\r\n")
_LONGEST_RECORD: Final = 1000
"""Lines after which a quote that stays open counts as a fault, not as a record still to be closed."""


class Reading:
    """One pass over what is new in a source file.

    Attributes:
        extent: How far the file has been read; complete once `batches` has run out.
    """

    def __init__(self, file: SourceFile, kind: Format, columns: Names, known: Extent | None = None) -> None:
        self.file = file
        self.extent = known or Extent(0, 0, "")
        self._kind = kind
        self._needed = columns
        self._known = known

    def batches(self) -> Iterator[pl.DataFrame]:
        """Frames of new rows: source_row, raw (a struct of the file's columns), reason, detail, row.

        `source_row` counts the file's rows from 1, a header and blank lines not counted. `reason` is the code of a row
        that could not be taken apart; `row` is then its text as JSON, and otherwise filled only where the raw
        columns do not hold everything.

        Raises:
            NotFound: The file is gone.
            DataRefused: It cannot be decompressed or decoded, lacks a column, is empty, or its known part changed.
        """
        frames = self._parquet() if isinstance(self._kind, Parquet) else self._text(self._kind)
        for frame in frames:
            first = self.extent.rows + 1
            self.extent = Extent(self.extent.bytes, self.extent.rows + frame.height, self.extent.sha256)
            yield frame.select(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias(SOURCE_ROW), pl.all())
        if not self.extent.rows:
            raise DataRefused(f"{self.file.name} holds no rows", do="check the file, or take it out of the manifest")

    def _text(self, kind: Csv | Jsonl | Adjacency) -> Iterator[pl.DataFrame]:
        columns = _header(self.file, kind, self._needed) if isinstance(kind, Csv) else self._needed
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
            self.extent = Extent(stream.bytes, self.extent.rows, stream.sha256)

    def _first(self, lines: pl.Series, kind: Csv | Jsonl | Adjacency) -> pl.Series:
        """The rows among a file's first lines, which must look as the manifest says."""
        if isinstance(kind, Jsonl):
            _require_keys(self.file, lines, self._needed)
        if isinstance(kind, Csv) and not kind.header:
            _require_fields(self.file, _split(lines, kind, kind.columns), kind)
        return lines.slice(1) if isinstance(kind, Csv) and kind.header else lines

    def _parquet(self) -> Iterator[pl.DataFrame]:
        n_bytes, sha256 = measure(self.file)
        if self._known and sha256 != self._known.sha256:
            raise changed(self.file, "it is another Parquet file than the one that was ingested")
        if not self._known:
            yield from _parquet_rows(self.file, self._needed)
        self.extent = Extent(n_bytes, self.extent.rows, sha256)


def before_torn_line(file: SourceFile, kind: Format, columns: Names, known: Extent) -> Extent | None:
    """How far the file was read before its last line, where that was cut short when it was read and has gone on since.

    None where it was whole, and for encodings whose line end is not that of ASCII.

    Raises:
        NotFound: The file is gone.
        DataRefused: It cannot be decompressed, or its known part changed.
    """
    if isinstance(kind, Parquet) or "\n".encode(kind.encoding) != b"\n":
        return None
    with open_source(file) as stream:
        torn = skip_known(stream, file, known)
        following = stream.read(2)
    if not torn or not following or following.startswith(_LINE_ENDS):
        return None
    n_bytes, sha256 = measure(file, known.bytes - len(torn))
    rows = _split(to_lines(torn.decode(kind.encoding).encode()), kind, columns)
    return Extent(n_bytes, known.rows - rows.height, sha256)


def _split(lines: pl.Series, kind: Csv | Jsonl | Adjacency, columns: Names) -> pl.DataFrame:
    if isinstance(kind, Csv):
        return split_csv(lines, columns, kind.separator)
    return split_jsonl(lines, columns) if isinstance(kind, Jsonl) else split_adjacency(lines)


def _still_open(lines: pl.Series, kind: Csv | Jsonl | Adjacency) -> int:
    n_open = open_lines(lines, kind.separator) if isinstance(kind, Csv) else 0
    return n_open if n_open <= _LONGEST_RECORD else 0


def _header(file: SourceFile, kind: Csv, needed: Names) -> Names:
    """The file's columns, as its first line or the manifest names them; every needed one is among them."""
    columns = kind.columns
    if kind.header:
        with open_source(file) as stream:
            block = next(line_blocks(stream, file, kind.encoding), b"")
        columns = tuple(split_header(to_lines(block)[0], kind.separator)) if block else ()
        if not block:
            raise DataRefused(f"{file.name} is empty", do="check the file, or take it out of the manifest")
    if repeated := sorted({name for name in columns if columns.count(name) > 1}):
        raise DataRefused(f"{file.name} names columns twice", seen=repeated, do="give each its own name")
    _require_columns(file, columns, needed)
    return columns


def _require_columns(file: SourceFile, columns: Names, needed: Names) -> None:
    if missing := [name for name in needed if name not in columns]:
        raise DataRefused(
            f"{file.name} has no column {', '.join(missing)}",
            seen=f"columns {', '.join(columns[:30])}"[:500],
            do="check the manifest's column names, separator and header",
        )


def _require_keys(file: SourceFile, lines: pl.Series, needed: Names) -> None:
    """Raises when a key stands nowhere among a file's first lines."""
    lines = lines.filter(lines.str.strip_chars() != "")
    missing = [
        name for name in needed if not lines.str.contains(json.dumps(name, ensure_ascii=False), literal=True).any()
    ]
    if missing and len(lines):
        raise DataRefused(
            f"{file.name} has no key {', '.join(missing)}",
            seen=f"first line {lines[0][:200]}",
            do="check the manifest's column names and the file's kind",
        )


def _require_fields(file: SourceFile, rows: pl.DataFrame, kind: Csv) -> None:
    """Raises when not one of a file's first lines has as many fields as the manifest names."""
    if rows.height and rows[REASON].null_count() == 0:
        raise DataRefused(
            f"no line of {file.name} has the {len(kind.columns)} columns of the manifest",
            seen=rows[DETAIL][0],
            do=f"check the manifest's separator (now {kind.separator!r}) and columns",
        )


def _parquet_rows(file: SourceFile, needed: Names) -> Iterator[pl.DataFrame]:
    try:
        scan = pl.scan_parquet(file.path, glob=False)
        _require_columns(file, tuple(scan.collect_schema().names()), needed)
        rows = scan.select(
            pl.struct(needed).alias(RAW), *(pl.lit(None, pl.String).alias(n) for n in (REASON, DETAIL, ROW))
        )
        for start in range(0, scan.select(pl.len()).collect().item(), _BLOCK_ROWS):
            yield rows.slice(start, _BLOCK_ROWS).collect()
    except PolarsError as error:
        raise DataRefused(
            f"{file.name} is no readable Parquet file", seen=str(error)[:200], do="write it anew"
        ) from error


def read_id_maps(part: Interactions, root: Path) -> IdMaps:
    """How the ids of these interactions translate; nothing where they are external already.

    Raises:
        NotFound: A map's file is missing.
        DataRefused: It cannot be read, or gives one id two translations.
    """
    user, item = part.user_map, part.item_map
    return IdMaps(_id_map(user, root) if user else None, _id_map(item, root) if item else None)


def infer_id_dtypes(manifest: Manifest, source_root: Path) -> IdTypes:
    """The dtypes of a new home's ids: Int64 where every id is a whole number written plainly, else String.

    Ids come from the users and items files where the manifest has them, else from the interactions.

    Raises:
        NotFound: A file is missing.
        DataRefused: A file cannot be read.
    """
    users, items, log = manifest.users, manifest.items, manifest.interactions
    user_ids = [(users, users.id, None)] if users else [(part, part.user, part.user_map) for part in log]
    item_ids = [(items, items.id, None)] if items else [(part, part.item, part.item_map) for part in log]
    return IdTypes(_common_dtype(user_ids, source_root), _common_dtype(item_ids, source_root))


def _common_dtype(ids: Sequence[tuple[Users | Items | Interactions, str, IdMap | None]], root: Path) -> pl.DataType:
    numbers = all(_id_dtype(*each, root) == pl.Int64() for each in ids)
    return pl.Int64() if numbers else pl.String()


def _id_dtype(part: Users | Items | Interactions, column: str, ids: IdMap | None, root: Path) -> pl.DataType:
    if ids is not None:
        return pl.Int64() if are_whole_numbers(_id_map(ids, root)["target"]) else pl.String()
    headless = isinstance(part.format, Csv) and not part.format.header
    for file in find_sources(root, part.files):
        for rows in Reading(file, part.format, (column,)).batches():
            # The first row of a headless file may be a header all the same: it has no say.
            text = to_text(rows.filter(pl.col(SOURCE_ROW) > int(headless))[RAW].struct.field(column))
            if not are_whole_numbers(text):
                return pl.String()
    return pl.Int64()


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
