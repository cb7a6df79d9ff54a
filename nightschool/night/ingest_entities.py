"""Users and items: files that are read whole and compared by id, so that a change is one more row."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import polars as pl

from nightschool.columns import ALWAYS, AVAILABLE_AT, INSTANT, ITEM_ID, REASON, USER_ID, USERS, Table
from nightschool.data.manifest import Items, Users
from nightschool.data.normalise import FAULT, RELEASED, normalise_items, normalise_users
from nightschool.data.readers import Reading, is_unchanged, sources_of
from nightschool.data.sources import Extent
from nightschool.errors import ConfigurationError
from nightschool.night.forgotten import mark_forgotten
from nightschool.night.intake import Intake, Occasion, mark
from nightschool.storage.erasures import Erasures

_CONTENT: Final = "content"
_BEFORE: Final = "before"
_SINCE: Final = "since"


def take_entities(occasion: Occasion, table: Table, part: Users | Items) -> tuple[Intake, pl.Series]:
    """What the files bring for users or items, and every id that is known with them.

    Raises:
        NotFound: A file is missing.
        DataRefused: A file cannot be read.
        ConfigurationError: The manifest gives a column another type than the table has.
    """
    intake, key = occasion.intake(table), USER_ID if table is USERS else ITEM_ID
    newest = newest_of_each_id(occasion.lake.scan(table).collect(), key)
    for file in sources_of(part, occasion.source_root):
        known = occasion.ledger.known(table, file)
        same = occasion.ledger.was_read_by(part, table, file)
        if known and same and is_unchanged(file, part.format, known):
            intake.already_known += known.rows
            continue
        reading = Reading(file, part.format, part.source_columns)
        frame = pl.concat(normalised(occasion, table, part, rows) for rows in reading.batches())
        said_once = _without_repeats(frame)
        given = intake.sort_out(first_of_each_id(said_once, key), file, occasion.now)
        require_same_types(given, newest, table)
        _require_growth(occasion, table, known, reading.extent)
        added = changes(given, newest, key, occasion)
        intake.already_known += frame.height - said_once.height + given.height - added.height
        # A new column comes in even where it is empty: the manifest promises it to every stage that follows.
        if added.height or not {*added.columns} <= {*newest.columns}:
            intake.accepted.add(added)
        intake.batches.add(file.name, part, given)
        intake.reread.append(file.name)
        newest = newest_of_each_id(pl.concat([newest, added], how="diagonal"), key)
        # The last key of a query may be somebody's id, and a source that is read whole needs none.
        occasion.ledger.note(table, file, part, replace(reading.extent, position=None))
    return intake, newest[key]


def _require_growth(occasion: Occasion, table: Table, before: Extent | None, now: Extent) -> None:
    """Raises DataRefused where a file lost more than half of the rows that it had when it was read last."""
    if before is not None:
        do = "restore the file; if it is meant so, give it another name"
        occasion.check.check_growth(table.name, before.rows, now.rows).raise_if_failed(do)


def normalised(occasion: Occasion, table: Table, part: Users | Items, rows: pl.DataFrame) -> pl.DataFrame:
    """Raw rows of users or items as rows of their table, with a reason in those that may not come in."""
    if isinstance(part, Users):
        frame = normalise_users(rows, part, occasion.lake.user_id)
        return occasion.with_findings(table, mark_forgotten(frame, Erasures(occasion.lake)))
    return occasion.with_findings(table, normalise_items(rows, part, occasion.lake.item_id))


def _without_repeats(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without the good rows that say no more than a good row above: all their columns are equal."""
    said = pl.struct(_content([name for name in frame.columns if name not in FAULT]), pl.col(REASON).is_null())
    return frame.filter(pl.col(REASON).is_not_null() | said.is_first_distinct())


def first_of_each_id(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    """The frame with a reason in the good rows whose id a good row above has."""
    is_first = pl.struct(key, pl.col(REASON).is_null().alias(REASON)).is_first_distinct()
    return mark(frame, ~is_first, "duplicate_id", key)


def require_same_types(given: pl.DataFrame, newest: pl.DataFrame, table: Table) -> None:
    """Nothing, when the given columns have the types that the table's have.

    Raises:
        ConfigurationError: The manifest gives a column another type than the table has.
    """
    for name in (name for name in given.columns if name in newest.columns):
        if given.schema[name] != newest.schema[name]:
            raise ConfigurationError(
                f"the manifest's [{table.name}] makes column {name} {_words(given.schema[name])}",
                seen=f"{_words(newest.schema[name])} in the home",
                do="change the manifest back, or ingest anew with another --home",
            )


def _words(dtype: pl.DataType) -> str:
    return {pl.List: "lists", pl.Float64: "numbers"}.get(dtype.base_type(), "text")


def newest_of_each_id(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """The newest row of each id; of equal instants the last."""
    return rows.sort(AVAILABLE_AT, maintain_order=True).unique(key, keep="last", maintain_order=True)


def changes(given: pl.DataFrame, newest: pl.DataFrame, key: str, occasion: Occasion) -> pl.DataFrame:
    """The given rows that are new, or differ from the newest row of their id, with the instant they are known from.

    A changed row is known from first seen on, and always later than the row it follows.
    """
    names = [name for name in given.columns if name not in (*FAULT, RELEASED)]
    lacking = [pl.lit(None, given.schema[name]).alias(name) for name in names if name not in newest.columns]
    before = newest.with_columns(lacking).select(
        key, _content(names).alias(_BEFORE), pl.col(AVAILABLE_AT).alias(_SINCE)
    )
    seen, released = pl.lit(occasion.first_seen, INSTANT), _released(given)
    fresh = released.fill_null(ALWAYS) if occasion.manifest.history else pl.max_horizontal(released, seen)
    changed = pl.max_horizontal(seen, pl.col(_SINCE) + timedelta(microseconds=1))
    return (
        given.with_columns(_content(names).alias(_CONTENT))
        .join(before, on=key, how="left", maintain_order="left")
        .filter(pl.col(_BEFORE).is_null() | (pl.col(_BEFORE) != pl.col(_CONTENT)))
        .select(*names, pl.when(pl.col(_BEFORE).is_null()).then(fresh).otherwise(changed).alias(AVAILABLE_AT))
    )


def _content(names: list[str]) -> pl.Expr:
    return pl.struct(names).struct.json_encode()


def _released(given: pl.DataFrame) -> pl.Expr:
    return pl.col(RELEASED) if RELEASED in given.columns else pl.lit(None, INSTANT)
