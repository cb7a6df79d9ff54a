"""Raw rows to rows of the users, items and interactions tables, each with the first fault found in it."""

from typing import Final, NamedTuple

import polars as pl

from nightschool.columns import (
    DELETED,
    DETAIL,
    DURATION,
    EVENT,
    EVENT_ID,
    ITEM_ID,
    LIKED,
    POSITION,
    RATING,
    REASON,
    ROW,
    SOURCE_ROW,
    TEXT,
    TIMESTAMP,
    TITLE,
    UNTIL,
    USER_ID,
)
from nightschool.data.manifest.manifest import Items, Manifest, Users
from nightschool.data.manifest.sections import Constant, Interactions
from nightschool.data.normalization.ids import read_ids
from nightschool.data.normalization.parse_values import (
    to_flags,
    without_entities,
)
from nightschool.data.normalization.row_reader import RELEASED, RowReader
from nightschool.data.readers.parsing import BLANKS, RAW

FAULT: Final = (SOURCE_ROW, REASON, DETAIL, RAW, ROW)
"""Columns that a normalised frame holds in addition to the table's own."""


class IdTypes(NamedTuple):
    """The dtypes of a home's external ids."""

    user: pl.DataType
    item: pl.DataType


class IdMaps(NamedTuple):
    """How a manifest translates the ids of its interactions: frames of source and target, as text.

    Attributes:
        origin: What the origins of their instants are looked up in.
    """

    user: pl.DataFrame | None = None
    item: pl.DataFrame | None = None
    origin: pl.DataFrame | None = None


def normalise_interactions(
    rows: pl.DataFrame, part: Interactions, manifest: Manifest, types: IdTypes, maps: IdMaps
) -> pl.DataFrame:
    """Normalise raw rows to the interactions table, up to `available_at` and the source, plus the columns of `FAULT`.

    A column of positions comes with it where the manifest names one, and the contexts, without values where the part
    declares none. Faults: missing_… where a value has to be, bad_… where it cannot be read, unknown_user and
    unknown_item where the manifest's map of ids lacks one, unknown_event for an event without a weight, header_in_data.
    """
    parsed = RowReader(rows, part)
    # A row that names neither is about nothing: what lacks its user alone is counted apart from it.
    parsed.add_id(ITEM_ID, part.item, types.item, maps.item)
    parsed.add_id(USER_ID, part.user, types.user, maps.user, fold_case=manifest.fold_case)
    parsed.add(EVENT_ID, read_ids(parsed.text(part.event_id), pl.String()).given)
    parsed.add_time(TIMESTAMP, part.timestamp, maps.origin)
    event = parsed.constant(part.event.value) if isinstance(part.event, Constant) else parsed.label(part.event)
    parsed.add(EVENT, event)
    parsed.add_typed(DURATION, part.duration, parsed.numbers)
    parsed.add_typed(LIKED, part.liked, to_flags)
    rating = parsed.add_typed(RATING, part.rating.column if part.rating else None, parsed.numbers)
    unrated = parsed.take_out(RATING, part.rating.missing if part.rating else ())
    parsed.add_typed(DELETED, part.deleted, to_flags)
    for name in manifest.contexts:
        parsed.add(name, parsed.label(name if name in part.context else None))
    if any(each.position for each in manifest.interactions):
        position = parsed.add_typed(POSITION, part.position, parsed.numbers)
        if part.position:
            parsed.mark(position.is_null() & parsed.columns[TIMESTAMP].is_null(), "missing_position")
    if manifest.score == "rating":
        # A dislike needs no rating: its event says enough.
        unsaid = ~event.is_in(list(manifest.exclusions)).fill_null(value=False)
        parsed.mark(rating.is_null() & ~unrated & unsaid, "missing_rating")
    if manifest.score == "events":
        parsed.mark(event.is_null(), "missing_event")
        parsed.mark(~event.is_in(list(manifest.weights)), "unknown_event", event)
    return parsed.frame()


def normalise_users(rows: pl.DataFrame, part: Users, dtype: pl.DataType, *, fold_case: bool = False) -> pl.DataFrame:
    """Normalise raw rows to the users table, except `available_at`, plus the columns of `FAULT`.

    A code that has no label, and a number that is not found in a text with digits, are the fault bad_<column>.
    """
    parsed = RowReader(rows, part)
    parsed.add_id(USER_ID, part.id, dtype, fold_case=fold_case)
    for name in part.attributes:
        text, labels = parsed.attribute(name), part.labels.get(name)
        codes = {code.strip(BLANKS): label for code, label in labels.items()} if labels else {}
        parsed.add(name, text.replace_strict(codes, default=None, return_dtype=pl.String) if labels else text, text)
    parsed.add_lists(part.lists)
    parsed.add_quantities(part.numbers)
    return parsed.frame()


def normalise_items(rows: pl.DataFrame, part: Items, dtype: pl.DataType) -> pl.DataFrame:
    """Normalise raw rows to the items table, except `available_at`, plus `released`, `until` and those of `FAULT`.

    `text` is the text columns joined by a blank; an ordinal that is none of its levels is the fault bad_<column>,
    as is a number that is not found in a text with digits. Vectors are not judged.
    """
    parsed = RowReader(rows, part)
    parsed.add_id(ITEM_ID, part.id, dtype)
    parsed.add(TITLE, without_entities(parsed.text(part.title)))
    texts = pl.DataFrame([without_entities(parsed.text(name)).alias(name) for name in part.text])
    words = texts.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)) if part.text else None
    parsed.add(TEXT, parsed.absent() if words is None else words.to_series())
    for name in part.categories:
        parsed.add(name, parsed.label(name))
    for name, levels in part.ordinals.items():
        text = parsed.label(name)
        parsed.add(name, text.set(~text.is_in([level.strip(BLANKS) for level in levels]), None), text)
    parsed.add_lists(part.list_columns)
    for name, columns in part.flags.items():
        parsed.add_flags(name, columns)
    parsed.add_quantities(part.numbers)
    parsed.add_vectors(tuple(name for name, file in part.vectors.items() if not file))
    parsed.add_time(RELEASED, part.available)
    if part.until:
        parsed.add_time(UNTIL, part.until)
    return parsed.frame()
