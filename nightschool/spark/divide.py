"""Dividing interactions by their users: Spark reads and shuffles them, and our own code reads and scores each part."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from nightschool.columns import (
    AVAILABLE_AT,
    DELETED,
    EVENT_ID,
    INTERACTIONS,
    ITEM_ID,
    REVISION,
    SOURCE_FILE,
    SOURCE_ROW,
    TIMESTAMP,
    USER_ID,
)
from nightschool.data.indexing import with_contexts
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.revisions import at_revisions, newest_revisions
from nightschool.data.signals import Signal, score_events, signal_of
from nightschool.data.source_order import in_source_order, sequence_columns
from nightschool.errors import DataRefused, NightschoolError, Unavailable
from nightschool.hashing import hash_ids
from nightschool.spark.parts import part_folder, write_rows
from nightschool.spark_session import spark_session, with_executors
from nightschool.storage.lake import Lake

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ROWS_A_PART: Final = 1_500_000
"""Events of a part, about: what a task holds of them takes some hundred megabytes."""
RAW: Final = "raw.parquet"
PART: Final = "part"

_EVENTS: Final = "events"
_REFUSED: Final = "refused"


@dataclass(frozen=True)
class Dividing:
    """How rows of interactions become the scored rows of parts; executors get it.

    Attributes:
        folder: The folder of the parts.
        n_parts: How many parts there are.
        as_of: T.
        revised: What `newest_revisions` found; None where nothing was corrected.
        signal: How rows are scored.
        contexts: Declared contexts.
        first: Columns that order rows before their place in the source does.
        schema: Every column that is read, with its type.
    """

    folder: Path
    n_parts: int
    as_of: datetime
    revised: pl.DataFrame | None
    signal: Signal
    contexts: tuple[str, ...]
    first: tuple[str, ...]
    schema: dict[str, pl.DataType]

    @property
    def needed(self) -> list[str]:
        """The columns that a part's rows are made of."""
        return [USER_ID, ITEM_ID, TIMESTAMP, *self.signal.scored_by, *self.contexts]

    @property
    def kept(self) -> list[str]:
        """The columns of the rows that are sent to their part."""
        return list(dict.fromkeys([*self.needed, *self.first, SOURCE_FILE, SOURCE_ROW]))

    def send(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the rows that are known at T, each with the number of its part."""
        for batch in batches:
            frame = pl.DataFrame(batch)
            lacking = self.schema.keys() - set(frame.columns)
            nulls = [pl.lit(None, self.schema[name]).alias(name) for name in lacking]
            revised = pl.DataFrame() if self.revised is None else self.revised
            known = at_revisions(frame.lazy().with_columns(nulls), self.as_of, revised)
            rows = known.select(*self.kept).collect()
            numbered = rows.with_columns(part_of_ids(rows[USER_ID], self.n_parts).alias(PART))
            yield from numbered.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches()

    def keep(self, key: tuple[pa.Scalar, ...], rows: pa.Table) -> pa.Table:
        """Write the scored rows of a part, in the order of the source; return what `_TOLD` says."""
        part = int(key[0].as_py())
        refused = ""
        try:
            frame = with_contexts(pl.LazyFrame(rows), self.contexts)
            scored = score_events(in_source_order(frame, self.first, self.needed), self.signal)
            write_rows(scored, part_folder(self.folder, part) / RAW)
        except NightschoolError as error:
            refused = str(error)
        columns = {PART: [part], _EVENTS: [rows.num_rows], _REFUSED: [refused]}
        return pa.table(columns, schema=pa.schema({PART: pa.int32(), _EVENTS: pa.int64(), _REFUSED: pa.string()}))


_TOLD: Final = f"{PART} int, {_EVENTS} long, {_REFUSED} string"


def divide_interactions(lake: Lake, manifest: Manifest, as_of: datetime, folder: Path) -> list[int]:
    """Write the scored rows of each part below the folder; return how many events each part has.

    Raises:
        DataRefused: There are no interactions, or rows that cannot be scored.
        Unavailable: Spark does not answer.
    """
    files = plain_files(lake)
    n_rows = pl.scan_parquet(files, glob=False, hive_partitioning=False).select(pl.len()).collect().item()
    revised = newest_revisions(lake.scan(INTERACTIONS), as_of)
    dividing = Dividing(
        folder,
        max(1, -(-n_rows // ROWS_A_PART)),
        as_of,
        revised if revised.height else None,
        signal_of(manifest),
        tuple(manifest.contexts),
        tuple(sequence_columns(manifest)),
        dict(lake.scan(INTERACTIONS).collect_schema()),
    )
    told = _shuffle(files, dividing)
    refused = next((row[_REFUSED] for row in told if row[_REFUSED]), "")
    if refused:
        raise DataRefused(refused)
    if not told:
        raise DataRefused(
            "No interactions are known at this instant", seen=0, do="ingest some, or ask for a later instant"
        )
    events = {row[PART]: row[_EVENTS] for row in told}
    nothing = pl.read_parquet(part_folder(folder, told[0][PART]) / RAW, glob=False, n_rows=0)
    for part in set(range(dividing.n_parts)) - events.keys():
        write_rows(nothing, part_folder(folder, part) / RAW)
    return [events.get(part, 0) for part in range(dividing.n_parts)]


def _shuffle(files: list[Path], dividing: Dividing) -> list[Mapping[str, Any]]:
    """Send every row of the files to its part, and return what was told of each part."""

    def run() -> list[Mapping[str, Any]]:
        rows = _read(files, dividing)
        sent_as = ", ".join(f"`{name}` {_spark_type(dividing.schema.get(name, pl.String()))}" for name in dividing.kept)
        sent = rows.mapInArrow(dividing.send, f"{sent_as}, {PART} int")
        return [row.asDict() for row in sent.groupBy(PART).applyInArrow(_keeping(dividing), _TOLD).collect()]

    return with_executors(run)


def _keeping(dividing: Dividing) -> Callable[[tuple[pa.Scalar, ...], pa.Table], pa.Table]:
    """Return the method as a function: Spark counts the arguments, and would count those of a method wrongly."""

    def keep(key: tuple[pa.Scalar, ...], rows: pa.Table) -> pa.Table:
        return dividing.keep(key, rows)

    return keep


def part_of_ids(ids: pl.Series, n_parts: int) -> pl.Series:
    """Return the part of each id, Int32: the ranges of its hash follow one another."""
    distinct = ids.unique()
    places = (hash_ids(distinct) / np.float64(2**64) * n_parts).astype(np.int32)
    return ids.replace_strict(distinct, pl.Series(np.minimum(places, n_parts - 1)), return_dtype=pl.Int32)


def plain_files(lake: Lake) -> list[Path]:
    """Return the Parquet files of the interactions, each of which holds just its rows.

    Raises:
        Unavailable: The table was written by something that marks rows as deleted, or gives columns other names.
    """
    if not lake.exists(INTERACTIONS):
        raise DataRefused("there are no interactions", do="ingest some first: nightschool ingest --help")
    protocol = DeltaTable(lake.root / INTERACTIONS.name).protocol()
    hidden = {"deletionVectors", "columnMapping"} & set(protocol.reader_features or ())
    if hidden:
        raise Unavailable(
            f"the files of {INTERACTIONS.name} do not hold their rows as they are",
            seen=", ".join(sorted(hidden)),
            do="write the table anew without these features of Delta",
        )
    files = lake.files(INTERACTIONS)
    if not files:
        raise DataRefused("there are no interactions", do="ingest some first: nightschool ingest --help")
    return files


def _read(files: list[Path], dividing: Dividing) -> "DataFrame":
    frame = spark_session().read.option("mergeSchema", "true").parquet(*(file.as_uri() for file in files))
    corrected = [] if dividing.revised is None else [EVENT_ID, REVISION]
    wanted = [*dividing.kept, AVAILABLE_AT, DELETED, *corrected]
    return frame.select(*(name for name in dict.fromkeys(wanted) if name in frame.columns))


def _spark_type(dtype: pl.DataType) -> str:
    return _TYPES[dtype.base_type()]


_TYPES: Final = {
    pl.Boolean: "boolean",
    pl.Int32: "int",
    pl.Int64: "long",
    pl.Float32: "float",
    pl.Float64: "double",
    pl.String: "string",
    pl.Datetime: "timestamp",
}
