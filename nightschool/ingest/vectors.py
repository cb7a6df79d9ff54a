"""Vectors of items on their way in: those that cannot be compared are refused by name, and their items come in."""

import hashlib
import json
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from nightschool.columns import DETAIL, ITEM_ID, REASON
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.manifest.sections import Interactions
from nightschool.data.normalization.ids import read_ids
from nightschool.data.normalization.missing import MISSING, without_blanks, without_missing
from nightschool.data.normalization.parse_values import to_text
from nightschool.data.readers.npy import measure_vectors, read_vectors
from nightschool.data.readers.parsing import RAW
from nightschool.data.vectors import VECTOR, common_length, norms

UNFIT: Final = "unfit_vector"
_FAULT: Final = "fault"


def with_vectors_of_files(frame: pl.DataFrame, part: Items, root: Path) -> pl.DataFrame:
    """Add the vectors that the manifest finds in .npy files to rows of items; null where a file has none for the id.

    Raises:
        NotFound: A file, or that of its ids, is not there.
        DataRefused: It holds no vectors.
    """
    for name, file in part.vectors.items():
        if file:
            found = read_vectors(root, file)
            with np.errstate(over="ignore"):  # what single precision does not hold is judged as infinite
                values = pl.Series(name, np.asarray(found.values, dtype=np.float32)).arr.to_list()
            ids = read_ids(found.ids, frame.schema[ITEM_ID]).values.alias(ITEM_ID)
            known = pl.DataFrame([ids, values]).drop_nulls(ITEM_ID).unique(ITEM_ID, keep="first", maintain_order=True)
            frame = frame.join(known, on=ITEM_ID, how="left", maintain_order="left")
    return frame


def vector_files(part: Interactions | Items | Users, root: Path) -> str | None:
    """Hash the .npy files that a part names, and their ids; None where it names none."""
    files = sorted(file for file in part.vectors.values() if file) if isinstance(part, Items) else []
    hashes = {file: measure_vectors(root, file) for file in files}
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest() if hashes else None


def mark_vectors(frame: pl.DataFrame, newest: pl.DataFrame, part: Users | Items) -> pl.DataFrame:
    """Take out vectors that cannot be compared with the others, and give their rows the reason `unfit_vector`.

    Such vectors are no lists of numbers, hold a number that is not finite, are all zeros, or have another length than
    most vectors of the items then have.

    Args:
        frame: Normalised rows, each good id once.
        newest: The newest row of each item of the table.
        part: What the manifest says of the items.
    """
    for name in part.vectors if isinstance(part, Items) else ():
        if name in frame.columns:
            frame = _judged(frame, newest, name)
    return frame


def without_unfit(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with an unfit vector as good ones, for the items to come in all the same."""
    return frame.filter(pl.col(REASON) == UNFIT).with_columns(pl.lit(None, pl.String).alias(REASON))


def _judged(frame: pl.DataFrame, newest: pl.DataFrame, name: str) -> pl.DataFrame:
    vectors, given = frame[name], _given(frame, name)
    sizes, lengths = pl.Series(norms(vectors)).fill_nan(None), vectors.list.len().fill_null(0)
    usual = _usual_length(frame.filter(frame[REASON].is_null() & (sizes > 0).fill_null(value=False)), newest, name)
    judged = pl.DataFrame({"unread": given & vectors.is_null(), "size": sizes, "length": lengths})
    fault = judged.select(
        pl.when("unread")
        .then(pl.lit("no list of numbers"))
        .when((pl.col("length") > 0) & pl.col("size").is_null())
        .then(pl.lit("a number that is not finite"))
        .when((pl.col("length") > 0) & (pl.col("size") == 0))
        .then(pl.lit("nothing but zeros"))
        .when((pl.col("length") > 0) & (pl.col("length") != usual))
        .then(pl.format("{} numbers, where the others have {}", "length", pl.lit(usual)))
        .alias(_FAULT)
    )
    fit = fault[_FAULT].is_null() & (lengths > 0)
    told = frame.with_columns(vectors.zip_with(fit, pl.Series([None], dtype=VECTOR)).alias(name), fault[_FAULT])
    first = pl.col(_FAULT).is_not_null() & pl.col(REASON).is_null()
    return told.with_columns(
        pl.when(first).then(pl.lit(UNFIT)).otherwise(REASON).alias(REASON),
        pl.when(first).then(pl.format("{}: {}", pl.lit(name), _FAULT)).otherwise(DETAIL).alias(DETAIL),
    ).drop(_FAULT)


def _given(frame: pl.DataFrame, name: str) -> pl.Series:
    """Return where a row's source holds anything for a vector, bool [n]; nowhere where no column holds it."""
    dtype = frame.schema.get(RAW)
    if not isinstance(dtype, pl.Struct) or name not in {field.name for field in dtype.fields}:
        return pl.repeat(False, frame.height, dtype=pl.Boolean, eager=True)
    raw = frame[RAW].struct.field(name)
    if raw.dtype.is_nested():
        return raw.is_not_null()
    return without_missing(without_blanks(to_text(raw)), MISSING).is_not_null()


def _usual_length(fit: pl.DataFrame, newest: pl.DataFrame, name: str) -> int:
    """Return the length of most vectors, once the fit ones have come in."""
    # A column of another type is the manifest's fault, which is told of when the rows come in.
    before = newest[name] if newest.schema.get(name) == VECTOR else pl.Series(name, dtype=VECTOR)
    others = before.filter(~newest[ITEM_ID].is_in(fit[ITEM_ID].implode())) if len(before) else before
    return common_length(pl.concat([fit[name], others]), before)
