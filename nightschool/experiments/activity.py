"""What users of an experiment did, on whatever item: after their first list, and before it as a covariate."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from nightschool.columns import (
    DURATION,
    EVENT,
    INSTANT,
    INTERACTIONS,
    LIKED,
    NEGATIVE,
    RELEVANT,
    SCORE,
    TIMESTAMP,
    USER_ID,
)
from nightschool.data.signals import Signal, score_events
from nightschool.experiments.metrics import BEFORE, EVENTS, HITS, KNOWN, MINUTES, REJECTED, SCORES
from nightschool.experiments.outcomes import CONVERTS, FIRST_SHOWN_AT, REJECTS
from nightschool.shown.attribution import AT
from nightschool.shown.shown_frame import STANDS
from nightschool.storage import tables
from nightschool.storage.as_of import newest_known, scan_at
from nightschool.storage.lake import Lake

_ENGAGES: Final = ("view", *CONVERTS)


def read_events(connection: sa.Connection, users: sa.CompoundSelect[Any], since: datetime) -> pl.DataFrame:
    """Read what users sent: user_id, at, and 1 or 0 for events, hits and rejected.

    Args:
        connection: The database.
        users: Selects the users.
        since: The earliest time.
    """
    table = tables.EVENTS
    query = sa.select(table.c.user_id, table.c.event, table.c.at).where(table.c.user_id.in_(users), table.c.at >= since)
    query = query.where(STANDS)
    schema = {USER_ID: pl.String(), EVENT: pl.String(), AT: INSTANT}
    frame = pl.DataFrame([*map(tuple, connection.execute(query))], schema, orient="row")
    kinds = {EVENTS: _ENGAGES, HITS: CONVERTS, REJECTED: REJECTS}
    flags = [pl.col(EVENT).is_in(kind).cast(pl.Float64).alias(name) for name, kind in kinds.items()]
    return frame.select(USER_ID, AT, *flags)


def read_interactions(lake: Lake, signal: Signal, users: pl.Series | None, since: datetime) -> pl.DataFrame:
    """Read what the tables know of users: user_id (text), at, events, hits, rejected, scores, and minutes if any.

    Args:
        lake: The tables.
        signal: How interactions are scored.
        users: The users, as texts; None: all.
        since: The earliest time.
    """
    rows = scan_at(lake, INTERACTIONS, newest_known(lake)).filter(pl.col(TIMESTAMP) >= since)
    rows = rows.with_columns(pl.col(USER_ID).cast(pl.String))
    if users is not None:
        rows = rows.filter(pl.col(USER_ID).is_in(users.implode()))
    frame = score_events(rows.collect(), signal)
    minutes = [] if frame[DURATION].null_count() == frame.height else [(pl.col(DURATION) / 60).alias(MINUTES)]
    return frame.select(
        USER_ID,
        pl.col(TIMESTAMP).alias(AT),
        pl.lit(1.0).alias(EVENTS),
        _hits(signal).cast(pl.Float64).alias(HITS),
        pl.col(NEGATIVE).cast(pl.Float64).alias(REJECTED),
        pl.col(SCORE).cast(pl.Float64).fill_null(0.0).alias(SCORES),
        *(each.fill_null(0.0) for each in minutes),
    )


def _hits(signal: Signal) -> pl.Expr:
    """Return an expression for whether a row is a hit: a like or completion, where scores tell more than that."""
    if signal.mode != "engagement":
        return pl.col(RELEVANT)
    return pl.col(LIKED).fill_null(value=False) | pl.col(EVENT).is_in(CONVERTS).fill_null(value=False)


def with_known(outcomes: pl.DataFrame, window: timedelta, newest: datetime) -> pl.DataFrame:
    """Add whether the tables know a user's whole window."""
    return outcomes.with_columns((pl.col(FIRST_SHOWN_AT) + window <= newest).alias(KNOWN))


def with_after(
    outcomes: pl.DataFrame, activity: pl.DataFrame, columns: Sequence[str], window: timedelta
) -> pl.DataFrame:
    """Add what each user did within the window after the first list: a sum by column, 0 where there was nothing."""
    at, first = pl.col(AT), pl.col(FIRST_SHOWN_AT)
    return _with_sums(outcomes, activity, columns, (at >= first) & (at < first + window), "")


def with_before(
    outcomes: pl.DataFrame, activity: pl.DataFrame, columns: Sequence[str], span: timedelta
) -> pl.DataFrame:
    """Add what each user did in the span before the first list, in columns that end in `BEFORE`."""
    at, first = pl.col(AT), pl.col(FIRST_SHOWN_AT)
    return _with_sums(outcomes, activity, columns, (at < first) & (at >= first - span), BEFORE)


def _with_sums(
    outcomes: pl.DataFrame, activity: pl.DataFrame, columns: Sequence[str], chosen: pl.Expr, suffix: str
) -> pl.DataFrame:
    timed = activity.join(outcomes.select(USER_ID, FIRST_SHOWN_AT), on=USER_ID).filter(chosen)
    sums = timed.group_by(USER_ID).agg(pl.col(name).sum().alias(name + suffix) for name in columns)
    joined = outcomes.join(sums, on=USER_ID, how="left", maintain_order="left")
    return joined.with_columns(pl.col(name + suffix).fill_null(0.0) for name in columns)
