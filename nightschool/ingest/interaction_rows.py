"""Raw rows of interactions to rows of the table: parsed, checked, and compared with what is known."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import polars as pl

from nightschool.columns import (
    ALWAYS,
    AVAILABLE_AT,
    EVENT_ID,
    INSTANT,
    INTERACTIONS,
    ITEM_ID,
    REVISION,
    SOURCE_FILE,
    TIMESTAMP,
    USER_ID,
)
from nightschool.data.manifest.sections import Interactions
from nightschool.data.normalization.id_types import read_id_maps
from nightschool.data.normalization.normalise import IdMaps, IdTypes, normalise_interactions
from nightschool.data.readers.source_format import Names
from nightschool.data.readers.sources import SourceFile
from nightschool.ingest.batch import IngestContext, mark
from nightschool.ingest.revisions import Corrections
from nightschool.ingest.tombstones import mark_forgotten
from nightschool.storage.erasure_log import Erasures

_UNKNOWN = {USER_ID: "unknown_user", ITEM_ID: "unknown_item"}


class Arrivals:
    """Judges one block of raw interactions after the other; each is judged knowing those before it."""

    def __init__(self, context: IngestContext, declared: Mapping[str, pl.Series | None]) -> None:
        """Start from what the home's tables hold.

        Args:
            context: The ingest, or the retry.
            declared: user_id and item_id to the ids of the declared tables; None where none is declared.
        """
        lake = context.lake
        with_ids = any(part.event_id for part in context.manifest.interactions)
        self._context = context
        self._erasures = Erasures(lake)
        self._declared = declared
        self._types = IdTypes(lake.user_id, lake.item_id)
        self._corrections = Corrections(context.ledger.known_rows()) if with_ids else None
        self._maps: dict[int, IdMaps] = {}

    @contextmanager
    def one_file(self) -> Iterator[None]:
        """Judge the rows of one file within the block; where it is refused, nothing of it is remembered."""
        if self._corrections is None:
            yield
            return
        with self._corrections.one_file():
            yield

    def require_identity(self, file: SourceFile) -> None:
        """Check that the file's repeated event ids belong to the events that had them before.

        Raises:
            DataRefused: Too many of them name another user or item.
        """
        if self._corrections is not None:
            self._corrections.require_identity(file.name)

    def judge(self, rows: pl.DataFrame, part: Interactions, file: SourceFile, arrived: datetime) -> pl.DataFrame:
        """Convert raw rows to rows of interactions, without the file, with a reason in those that may not come in.

        Args:
            rows: source_row, raw, reason, detail, row; as the readers give them.
            part: The part of the manifest that describes their file.
            file: Their file.
            arrived: When they arrived.
        """
        frame = normalise_interactions(rows, part, self._context.manifest, self._types, self._maps_of(part))
        frame = self._context.with_findings(INTERACTIONS, mark_forgotten(frame, self._erasures))
        for key, ids in self._declared.items():
            if ids is not None:
                frame = mark(frame, ~pl.col(key).is_in(ids.implode()), _UNKNOWN[key], key)
        if part.event_id_scope == "file":
            frame = frame.with_columns(scoped_id(file.name))
        return self._since(frame, arrived)

    def _maps_of(self, part: Interactions) -> IdMaps:
        if id(part) not in self._maps:
            self._maps[id(part)] = read_id_maps(part, self._context.source_root)
        return self._maps[id(part)]

    def _since(self, frame: pl.DataFrame, arrived: datetime) -> pl.DataFrame:
        """Add the revision of each event and the instant from which it is known.

        That is the event's time, but not before it arrived unless the files are a log of the past.
        """
        history = self._context.manifest.history
        time = pl.col(TIMESTAMP)
        available = time.fill_null(ALWAYS) if history else pl.max_horizontal(time, pl.lit(arrived, INSTANT))
        frame = frame.with_columns(available.alias(AVAILABLE_AT))
        if self._corrections is None:
            return frame.with_columns(pl.lit(0, pl.Int32).alias(REVISION))
        return self._corrections.settle(frame, history=history, first_seen=arrived)


def scoped_id(file: str) -> pl.Expr:
    """Return the event id of a file whose ids are unique within it alone."""
    return pl.format("{}:{}", pl.lit(file), EVENT_ID).alias(EVENT_ID)


def without_scoped_id() -> pl.Expr:
    """Return the event id, null where it is unique within its file alone."""
    is_scoped = pl.col(EVENT_ID).str.starts_with(pl.format("{}:", pl.col(SOURCE_FILE).cast(pl.String)))
    return pl.when(~is_scoped).then(EVENT_ID).alias(EVENT_ID)


def placed(good: pl.DataFrame, file: SourceFile, contexts: Names) -> pl.DataFrame:
    """Add the file that the rows come from, and order the columns as the table has them, contexts last."""
    placed = good.with_columns(pl.lit(file.name).alias(SOURCE_FILE))
    return placed.select(*INTERACTIONS.held_by(placed.columns), *contexts)
