"""The hold-out that a data set comes with: read for one evaluation, never ingested."""

from pathlib import Path

import polars as pl

from nightschool.columns import (
    ALWAYS,
    AVAILABLE_AT,
    INTERACTIONS,
    ITEM_ID,
    REASON,
    REVISION,
    SOURCE_FILE,
    SOURCE_ROW,
    TIMESTAMP,
    USER_ID,
)
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.normalization.id_types import read_id_maps
from nightschool.data.normalization.normalise import IdTypes, normalise_interactions
from nightschool.data.readers.source_format import Reading
from nightschool.errors import DataRefused, ManifestError, NotFound


def read_test(manifest: Manifest, source_root: Path, interactions: pl.LazyFrame) -> pl.DataFrame:
    """Read the rows of the manifest's [test], in the columns of the interactions table.

    Args:
        manifest: What the files are.
        source_root: The folder that they lie below.
        interactions: The interactions table, to which the hold-out must be disjoint.

    Raises:
        ManifestError: The manifest has no [test].
        NotFound: A file is missing.
        DataRefused: A file cannot be read, a row is bad, or a pair is among the interactions.
    """
    part = manifest.test
    if part is None:
        raise ManifestError(f"The manifest of {manifest.name} has no [test]", do="choose another protocol")
    schema = interactions.collect_schema()
    types, maps = IdTypes(schema[USER_ID], schema[ITEM_ID]), read_id_maps(part, source_root)
    frames = []
    for file in part.sources(source_root):
        for rows in Reading(file, part.format, part.source_columns).batches():
            frame = normalise_interactions(rows, part, manifest, types, maps)
            frames.append(frame.with_columns(pl.lit(file.name).alias(SOURCE_FILE)))
    if not frames:
        raise NotFound(f"There is no file in {', '.join(part.files)}", do="put the hold-out there")
    held_out = pl.concat(frames).with_columns(
        pl.col(TIMESTAMP).fill_null(ALWAYS).alias(AVAILABLE_AT), pl.lit(0, pl.Int32).alias(REVISION)
    )
    _refuse_bad(held_out.filter(pl.col(REASON).is_not_null()))
    _refuse_overlap(held_out, interactions)
    return held_out.select(*INTERACTIONS.held_by(held_out.columns), *manifest.contexts)


def _refuse_bad(bad: pl.DataFrame) -> None:
    if bad.height:
        where = f"{bad[SOURCE_FILE][0]} row {bad[SOURCE_ROW][0]}: {bad[REASON][0]}"
        raise DataRefused(
            f"{bad.height} rows of [test] are bad",
            seen=where,
            do="every row of a hold-out must be valid; correct the file",
        )


def _refuse_overlap(held_out: pl.DataFrame, interactions: pl.LazyFrame) -> None:
    pairs = interactions.select(USER_ID, ITEM_ID).unique()
    known = held_out.lazy().join(pairs, on=[USER_ID, ITEM_ID], how="semi").collect()
    if known.height:
        seen = f"user {known[USER_ID][0]}, item {known[ITEM_ID][0]}"
        do = "take them out of one of the two: what was learned from cannot test"
        raise DataRefused(f"{known.height} rows of [test] are pairs of the interactions", seen=seen, do=do)
