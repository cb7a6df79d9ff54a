"""Quarantined interactions whose mended form has come in: they leave the list."""

from collections.abc import Collection, Mapping
from typing import Final

import polars as pl

from nightschool.columns import (
    DELETED,
    DETAIL,
    DURATION,
    EVENT,
    EVENT_ID,
    INTERACTIONS,
    ITEM_ID,
    LIKED,
    POSITION,
    QUARANTINE,
    QUARANTINED_AT,
    RATING,
    REASON,
    ROW,
    SOURCE_FILE,
    SOURCE_ROW,
    SUPERSEDED,
    TABLE,
    TIMESTAMP,
    USER_ID,
)
from nightschool.data.normalization.id_types import read_id_maps
from nightschool.data.normalization.normalise import IdTypes, normalise_interactions
from nightschool.data.normalization.quarantine_rows import NOT_TAKEN_APART, reread
from nightschool.data.readers.sources import SourceFile
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.interaction_rows import scoped_id
from nightschool.ingest.quarantine.retry import find_part
from nightschool.ingest.tombstones import FORGOTTEN_USER
from nightschool.storage.quarantine.table import PLACE, RETRIED, quarantined

_SAYS: Final = (USER_ID, ITEM_ID, TIMESTAMP, EVENT, DURATION, LIKED, RATING, DELETED, POSITION)
_FAULTY: Final[Mapping[str, tuple[str, ...]]] = {
    "user": (USER_ID,),
    "item": (ITEM_ID,),
    "time": (TIMESTAMP,),
    "epoch_zero": (TIMESTAMP,),
    "duration": (DURATION,),
    "rating": (RATING,),
    "liked": (LIKED,),
    "deleted": (DELETED,),
    "event": (EVENT,),
    "position": (POSITION,),
}
"""Part of a reason's code to the column that it is about."""

_SEEN_IN: Final = "seen_in"


def mark_mended(context: IngestContext, accepted: pl.LazyFrame | None) -> int:
    """Mark the quarantined interactions whose mended form is among the accepted rows, and return how many they are.

    With an event id the form is mended that bears it. Without one it is the row that says the same but for what the
    reason is about; a row that lacks its user, item or time as well says too little to be known again.

    Args:
        context: The ingest.
        accepted: Rows of the interactions table that are about to come in.
    """
    return 0 if accepted is None else _mark(context, pl.lit(value=True), accepted, by_id=True)


def mark_known(context: IngestContext) -> int:
    """Mark the interactions that this ingest put aside although their good form is known, and return how many they are.

    The good form has the same event id and says the same but for what the reason is about: a row that says something
    else too may be a correction. Of rows without an event id, two that are alike are two events.
    """
    if not any(part.event_id for part in context.manifest.interactions):
        return 0
    just_now = pl.col(QUARANTINED_AT) == context.now
    return _mark(context, just_now, context.lake.scan(INTERACTIONS), by_id=False)


def _mark(context: IngestContext, which: pl.Expr, good: pl.LazyFrame, *, by_id: bool) -> int:
    lying = quarantined(context.lake).filter(
        pl.col(TABLE) == INTERACTIONS.name,
        pl.col(ROW).is_not_null(),
        ~pl.col(REASON).is_in([*NOT_TAKEN_APART, FORGOTTEN_USER, RETRIED, "reused_event_id"]),
        which,
    )
    rows = lying.collect()
    if rows.is_empty():
        return 0
    place = pl.format("{} row {}", SOURCE_FILE, SOURCE_ROW).alias(_SEEN_IN)
    came = good.select(*_said(good.collect_schema()), EVENT_ID, place)
    found = [_mended(part, came, by_id=by_id) for part in _typed(context, rows)]
    marks = pl.concat([frame for frames in found for frame in frames]) if any(found) else pl.DataFrame()
    if marks.is_empty():
        return 0
    marked = quarantined(context.lake).join(marks.lazy(), on=PLACE, how="inner", suffix="_new")
    marked = marked.with_columns(pl.lit(SUPERSEDED).alias(REASON), pl.col(_SEEN_IN).alias(DETAIL))
    rest = context.lake.scan(QUARANTINE).join(marks.lazy(), on=PLACE, how="anti")
    context.lake.overwrite(QUARANTINE, pl.concat([rest, marked.select(*QUARANTINE.columns)]))
    return marks.height


def _typed(context: IngestContext, rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Parse the quarantined rows, one frame per file, with their reason; what could not be read is null."""
    lake, manifest = context.lake, context.manifest
    types, frames = IdTypes(lake.user_id, lake.item_id), []
    for (name,), of_file in rows.partition_by(SOURCE_FILE, as_dict=True).items():
        file = SourceFile(str(name), context.source_root / str(name))
        part = find_part(context, str(name))
        if part is None:
            continue
        raw = reread(of_file.select(SOURCE_ROW, ROW), part, file)
        maps = read_id_maps(part, context.source_root)
        typed = normalise_interactions(raw, part, manifest, types, maps).drop(REASON, DETAIL)
        why = of_file.select(SOURCE_ROW, *(name for name in (*PLACE, REASON) if name != SOURCE_ROW))
        if part.event_id_scope == "file":
            typed = typed.with_columns(scoped_id(str(name)))
        frames.append(typed.join(why, on=SOURCE_ROW).select(*PLACE, REASON, EVENT_ID, *_said(typed.columns)))
    return frames


def _said(names: Collection[str]) -> list[str]:
    """List the columns that say what a row means; a position is there only where the manifest names one."""
    return [name for name in _SAYS if name in names]


def _mended(rows: pl.DataFrame, came: pl.LazyFrame, *, by_id: bool) -> list[pl.DataFrame]:
    """Return the places of those rows whose mended form came in, and where it was seen."""
    with_id = rows.filter(pl.col(EVENT_ID).is_not_null())
    if by_id:
        without = rows.filter(pl.col(EVENT_ID).is_null())
        frames = [_matched(with_id, came, [EVENT_ID]), *_alike(without, came, [])]
    else:
        frames = _alike(with_id, came, [EVENT_ID])
    return [frame for frame in frames if frame.height]


def _alike(rows: pl.DataFrame, came: pl.LazyFrame, identity: list[str]) -> list[pl.DataFrame]:
    """Return the places of those rows that say the same as one that came in, but for what their reason is about."""
    frames = []
    for (reason,), of_reason in rows.partition_by(REASON, as_dict=True).items():
        faulty = {column for code, columns in _FAULTY.items() if code in str(reason) for column in columns}
        keys = [*identity, *(name for name in _said(rows.columns) if name not in faulty)]
        needed = [name for name in (USER_ID, ITEM_ID, TIMESTAMP) if name not in faulty]
        if faulty and len(needed) >= 2:
            frames.append(_matched(of_reason.filter(pl.all_horizontal(pl.col(needed).is_not_null())), came, keys))
    return frames


def _matched(rows: pl.DataFrame, came: pl.LazyFrame, keys: list[str]) -> pl.DataFrame:
    seen = came.select(*keys, _SEEN_IN).join(rows.lazy().select(keys).unique(), on=keys, how="semi", nulls_equal=True)
    first = seen.collect(engine="streaming").unique(keys, keep="first", maintain_order=True)
    return rows.join(first, on=keys, how="inner", nulls_equal=True).select(*PLACE, _SEEN_IN)
