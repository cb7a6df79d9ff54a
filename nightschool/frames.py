"""Frames of a notebook to the fields of a dataset: ids checked and indexed, repeats merged, columns described."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

from nightschool.columns import (
    INSTANT,
    ITEM_ID,
    ITEM_INDEX,
    POSITION,
    SCORE,
    TEXT,
    TIMESTAMP,
    TITLE,
    USER_ID,
    USER_INDEX,
)
from nightschool.errors import DataRefused
from nightschool.hashing import order_ids
from nightschool.item_columns import ItemColumns

DEFAULT_SCORE: Final = 1.0
"""The score of every pair where the interactions have no column `score`: the user interacted with the item."""

_PAIR: Final = (USER_INDEX, ITEM_INDEX)


class ArrowTable(Protocol):
    """A table that can be read through Arrow's stream interface, such as a frame of polars or pandas."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the table as an Arrow stream."""


@dataclass(frozen=True, eq=False)
class IndexedFrames:
    """Three frames in one index space, in the shapes that `Dataset` promises.

    Attributes:
        users: user_id and attributes, in the order of the user index.
        items: item_id, title, text and other columns, in the order of the item index.
        interactions: user_index, item_index, score, timestamp, position (the place of the pair's latest row): one row a
            pair, sorted by both indices.
        declared: bool[n_items], the items that the items frame holds; all of them where there is none.
    """

    users: pl.DataFrame
    items: pl.DataFrame
    interactions: pl.DataFrame
    declared: pl.Series


def index_frames(
    interactions: ArrowTable,
    users: ArrowTable | None,
    items: ArrowTable | None,
    score_range: tuple[float, float] | None = None,
) -> IndexedFrames:
    """Give every user and item of any frame an index, by ascending hash of the id, and merge repeats of a pair.

    The latest of a pair's rows counts, by timestamp and then by place; its timestamp is the pair's.

    Raises:
        DataRefused: A column is missing or of another type, an id is null or described twice, a score is not finite.
    """
    log = _interactions(interactions)
    if score_range and (above := log[SCORE].filter(log[SCORE] > score_range[1])).len():
        do = "widen score_range, or rescale the scores"
        raise DataRefused(f"Column score exceeds the highest score {score_range[1]:g}", seen=above[0], do=do)
    described = [_described(frame, key) for frame, key in ((users, USER_ID), (items, ITEM_ID))]
    user_frame, item_frame = (
        _indexed(frame, log[key], key) for frame, key in zip(described, (USER_ID, ITEM_ID), strict=True)
    )
    for place, name in enumerate((TITLE, TEXT), start=1):
        if name not in item_frame.columns:
            item_frame = item_frame.insert_column(place, pl.lit(None, pl.String).alias(name))
    ids = item_frame[ITEM_ID]
    declared = ids.is_in(described[1][ITEM_ID].implode()) if described[1] is not None else ids.is_not_null()
    return IndexedFrames(user_frame, item_frame, _pairs(log, user_frame, item_frame), declared)


def label_columns(items: pl.DataFrame) -> ItemColumns:
    """Return which columns describe an item: text one label, lists several, those of type Enum a level, lowest first.

    Lists and arrays of floating-point numbers are vectors.
    """
    columns = items.drop(ITEM_ID, TITLE, TEXT).schema.items()
    categories = tuple(name for name, dtype in columns if isinstance(dtype, pl.String | pl.Categorical))
    levels = {name: tuple(dtype.categories) for name, dtype in columns if isinstance(dtype, pl.Enum)}
    vectors = tuple(name for name, dtype in columns if _is_vector(dtype))
    lists = tuple(name for name, dtype in columns if isinstance(dtype, pl.List) and name not in vectors)
    return ItemColumns(categories, levels, lists, vectors=vectors)


def _is_vector(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List | pl.Array) and isinstance(dtype.inner, pl.DataType) and dtype.inner.is_float()


def _interactions(given: ArrowTable) -> pl.DataFrame:
    """Return user_id, item_id, score (Float32) and timestamp, as they were given."""
    frame = _frame(given, "interactions", (USER_ID, ITEM_ID))
    if frame.is_empty():
        raise DataRefused("The frame of interactions has no rows", do="give at least one row of user_id and item_id")
    score = _scores(frame[SCORE]) if SCORE in frame.columns else pl.lit(DEFAULT_SCORE, pl.Float32).alias(SCORE)
    no_time = pl.lit(None, INSTANT).alias(TIMESTAMP)
    time = _instants(frame[TIMESTAMP]) if TIMESTAMP in frame.columns else no_time
    return frame.select(_ids(frame, USER_ID, "interactions"), _ids(frame, ITEM_ID, "interactions"), score, time)


def _described(given: ArrowTable | None, key: str) -> pl.DataFrame | None:
    """Return what describes users or items, one row an id; None where nothing does."""
    if given is None:
        return None
    name = key.removesuffix("_id") + "s"
    frame = _frame(given, name, (key,))
    ids = _ids(frame, key, name)
    if (twice := ids.filter(ids.is_duplicated())).len():
        raise DataRefused(f"Column {key} of {name} holds an id twice", seen=twice[0], do="keep one row for each id")
    return frame.select(ids, pl.exclude(key))


def _frame(given: ArrowTable, name: str, needed: Iterable[str]) -> pl.DataFrame:
    """Return a frame of polars that has the needed columns."""
    try:
        frame = given if isinstance(given, pl.DataFrame) else pl.DataFrame(given)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        do = "give a frame of polars or pandas whose columns have one type each"
        raise DataRefused(f"The frame of {name} cannot be read", seen=str(error)[:200], do=do) from error
    if missing := [column for column in needed if column not in frame.columns]:
        do = f"rename the column that holds it to {missing[0]}"
        raise DataRefused(f"The frame of {name} has no column {missing[0]}", seen=frame.columns, do=do)
    return frame


def _ids(frame: pl.DataFrame, key: str, name: str) -> pl.Series:
    """Return ids as whole numbers of 64 bits or as text."""
    ids = frame[key]
    if ids.null_count():
        row = int(ids.is_null().arg_true()[0])
        raise DataRefused(
            f"Column {key} of {name} lacks an id", seen=f"row {row}", do="drop such rows, or fill them in"
        )
    if ids.dtype.is_integer():
        whole = ids.cast(pl.Int64, strict=False)
        if whole.null_count():
            seen = ids.filter(whole.is_null())[0]
            raise DataRefused(f"Column {key} of {name} holds an id beyond {2**63 - 1}", seen=seen, do="cast it to text")
        return whole
    if isinstance(ids.dtype, pl.String | pl.Categorical | pl.Enum):
        return ids.cast(pl.String)
    do = "cast it to whole numbers or to text"
    raise DataRefused(f"Column {key} of {name} holds no ids", seen=f"type {ids.dtype}", do=do)


def _scores(scores: pl.Series) -> pl.Series:
    if not scores.dtype.is_numeric():
        raise DataRefused("Column score holds no numbers", seen=f"type {scores.dtype}", do="cast it to a number")
    single = scores.cast(pl.Float32)
    bad = ~single.is_finite().fill_null(value=False)
    if bad.any():
        row = int(bad.arg_true()[0])
        seen, do = f"{scores[row]} in row {row}", "drop such rows, or give them a finite score"
        raise DataRefused("Column score holds a value that is no finite number", seen=seen, do=do)
    return single


def _instants(times: pl.Series) -> pl.Series:
    """Return instants in UTC; times without a zone are taken as UTC."""
    if not isinstance(times.dtype, pl.Datetime | pl.Date | pl.Null):
        do = "cast it to a datetime, such as with str.to_datetime()"
        raise DataRefused("Column timestamp holds no times", seen=f"type {times.dtype}", do=do)
    zone = times.dtype.time_zone if isinstance(times.dtype, pl.Datetime) else None
    instants = times.cast(pl.Datetime("us", zone))
    return instants.dt.convert_time_zone("UTC") if zone else instants.dt.replace_time_zone("UTC")


def _indexed(described: pl.DataFrame | None, interacted: pl.Series, key: str) -> pl.DataFrame:
    """Return what describes each id in the order of the index; nulls for ids that only interactions name."""
    if described is None:
        return order_ids(interacted).to_frame()
    if described.schema[key] != interacted.dtype:
        name, do = key.removesuffix("_id") + "s", f"cast {key} to one type in both frames"
        seen = f"{described.schema[key]} and {interacted.dtype}"
        raise DataRefused(f"Column {key} of {name} is of another type than that of interactions", seen=seen, do=do)
    ids = order_ids(pl.concat([described[key], interacted]))
    return ids.to_frame().join(described, on=key, how="left", maintain_order="left")


def _pairs(log: pl.DataFrame, users: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    for frame, key, index in ((users, USER_ID, USER_INDEX), (items, ITEM_ID, ITEM_INDEX)):
        places = frame.select(key).with_row_index(index).cast({index: pl.Int32})
        log = log.join(places, on=key, how="left", maintain_order="left")
    log = log.with_columns(pl.int_range(pl.len(), dtype=pl.Int32).alias(POSITION))
    ordered = log.sort(*_PAIR, TIMESTAMP, nulls_last=False, maintain_order=True)
    return ordered.unique(_PAIR, keep="last", maintain_order=True).select(*_PAIR, SCORE, TIMESTAMP, POSITION)
