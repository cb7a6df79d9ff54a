"""The tables of one release that are read whole: its items, users, and the lists of audiences."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl

from nightschool.columns import (
    AUDIENCE,
    AUDIENCE_RECOMMENDATIONS,
    ITEM_ID,
    ITEMS,
    RANK,
    SCORE,
    SHOWN,
    TEXT,
    TITLE,
    USER_ID,
    USERS,
    WITHDRAWN,
)
from nightschool.data.manifest.manifest import Manifest
from nightschool.shown_table import SHOWN_AT
from nightschool.storage.release_reader import Reader
from nightschool.vocabulary import EVERYONE
from serving.schemas.common import ExternalId


def read_items(reader: Reader, named: Sequence[Path]) -> pl.DataFrame:
    """Read the items known at T; others that the files of lists name are added with their id alone."""
    declared = reader.known(ITEMS).collect()
    others = [
        pl.scan_ipc(file, glob=False, hive_partitioning=False).select(pl.col(ITEM_ID).explode().unique()).collect()
        for file in named
    ]
    missing = pl.concat(others).unique().drop_nulls().join(declared, on=ITEM_ID, how="anti")
    both = pl.concat([declared, missing], how="diagonal")
    blank = [pl.lit(None, pl.String).alias(name) for name in (TITLE, TEXT) if name not in both.columns]
    return both.with_columns(blank)


def read_showings(reader: Reader) -> pl.DataFrame:
    """Count the places at which each item was shown in the four weeks before T: item_id and len."""
    as_of = reader.release.as_of
    recent = pl.col(SHOWN_AT).is_between(as_of - timedelta(days=28), as_of, closed="left")
    return reader.home.lake.scan(SHOWN).filter(recent).group_by(ITEM_ID).len().collect()


def read_users(reader: Reader, manifest: Manifest) -> pl.DataFrame:
    """Read user_id and attributes of users who had not left at T, ascending by id; empty without a users table."""
    if manifest.users is None:
        return pl.DataFrame(schema={USER_ID: reader.home.lake.user_id})
    present = reader.known(USERS).filter(~pl.col(WITHDRAWN))
    return present.select(USER_ID, *manifest.users.attributes).collect().sort(USER_ID)


def read_audiences(reader: Reader) -> dict[str, list[tuple[ExternalId, float]]]:
    """Read the list of each audience, best first: items with their scores."""
    rows = reader.table(AUDIENCE_RECOMMENDATIONS).sort(AUDIENCE, RANK).collect()
    lists: dict[str, list[tuple[ExternalId, float]]] = {EVERYONE: []}
    for audience, item_id, score in rows.select(AUDIENCE, ITEM_ID, SCORE).iter_rows():
        lists.setdefault(audience, []).append((item_id, score))
    return lists
