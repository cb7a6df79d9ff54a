"""Rules for interactions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import polars as pl

from expectations.engine import Column
from expectations.facts import ROWS, Known, count_orphans, count_repeated, one_row, share
from expectations.rules import between, filled
from expectations.text import id_measures, id_rules
from nightschool.columns import (
    DURATION,
    EVENT,
    EVENT_ID,
    INTERACTIONS,
    ITEM_ID,
    LIKED,
    RATING,
    SOURCE_FILE,
    SOURCE_ROW,
    TIMESTAMP,
    USER_ID,
)
from nightschool.data.normalization.limits import (
    EARLIEST,
    LONGEST_DURATION,
    MANY_REPEATS,
    ZERO_FROM,
    ZERO_UNTIL,
    Limits,
)

TABLE: Final = INTERACTIONS

LEAST_KEPT: Final = 0.5
"""Share of the ingested rows that must still be there: erasing users removes few, and half is a loss."""

FEW_REPEATS: Final = 0.01
"""Share of the bare pairs that may repeat earlier ones without a warning."""

_SAYS_MORE: Final = (TIMESTAMP, EVENT_ID, EVENT, DURATION, LIKED, RATING)
"""Columns that make a repeated pair an event of its own; without any of them it adds nothing."""


def measures() -> Mapping[str, pl.Expr]:
    """Map the measures that row rules check, besides the columns themselves, to their expressions."""
    return id_measures(USER_ID, ITEM_ID, EVENT_ID)


def row_rules(limits: Limits) -> list[Any]:
    """List the rules for single rows; the first one that a row breaks gives the reason."""
    rules = [
        filled(USER_ID, "missing_user"),
        filled(ITEM_ID, "missing_item"),
        *id_rules(USER_ID),
        *id_rules(ITEM_ID),
        *id_rules(EVENT_ID),
        *_times(limits.latest),
        between(DURATION, "negative_duration", low=0.0),
        between(DURATION, "duration_too_long", high=LONGEST_DURATION),
    ]
    return [*rules, between(RATING, "rating_out_of_range", *limits.rating)] if limits.rating else rules


def facts(frame: pl.LazyFrame, known: Known) -> pl.DataFrame:
    """Compute the figures that the batch rules check, in one row."""
    is_bare = pl.all_horizontal(pl.col(_SAYS_MORE).is_null())
    n_rows, n_bare = frame.select(pl.len().alias(ROWS), is_bare.sum().alias("bare")).collect(engine="streaming").row(0)
    n_repeated = count_repeated(frame.filter(is_bare), USER_ID, ITEM_ID) if n_bare else 0
    return one_row(
        {
            ROWS: n_rows,
            "read_twice": count_repeated(frame, SOURCE_FILE, SOURCE_ROW),
            "unknown_users": count_orphans(frame, known.users, USER_ID),
            "unknown_items": count_orphans(frame, known.items, ITEM_ID),
            "bare": n_bare,
            "repeated_pairs": n_repeated,
            "repeated_share": share(n_repeated, n_bare),
            "taken_in": known.taken_in,
            "held": known.held,
            "kept_share": share(known.held, known.taken_in) if known.taken_in else 1.0,
        }
    )


def batch_rules() -> list[Any]:
    """List the rules for the rows as a whole."""
    seen = "{repeated_pairs} of {bare} bare pairs"
    few = Column("repeated_share") < MANY_REPEATS
    return [
        between(ROWS, "no_rows", low=1, seen="{rows} rows"),
        between("read_twice", "read_twice", high=0, seen="{read_twice} of {rows} rows"),
        between("unknown_users", "unknown_user", high=0, seen="{unknown_users} users"),
        between("unknown_items", "unknown_item", high=0, seen="{unknown_items} items"),
        between("kept_share", "rows_lost", low=LEAST_KEPT, seen="{held} of {taken_in} rows are left"),
        between("repeated_share", "repeated_pairs", high=MANY_REPEATS, strict_max=True, seen=seen),
        between(
            "repeated_share", "some_repeated_pairs", high=FEW_REPEATS, row_condition=few, severity="warning", seen=seen
        ),
    ]


def _times(latest: datetime) -> list[Any]:
    """List the rules against implausible times, each kind with its own reason."""
    time = Column(TIMESTAMP)
    return [
        between(TIMESTAMP, "timestamp_too_early", low=ZERO_FROM),
        between(TIMESTAMP, "epoch_zero", low=ZERO_UNTIL, row_condition=time >= ZERO_FROM),
        between(TIMESTAMP, "wrong_time_unit", low=EARLIEST, row_condition=time >= ZERO_UNTIL),
        between(TIMESTAMP, "timestamp_in_future", high=latest),
    ]
