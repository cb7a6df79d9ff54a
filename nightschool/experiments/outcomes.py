"""Outcomes of the users of an experiment: whether they took up, or rejected, what they were shown."""

from datetime import datetime, timedelta
from typing import Final

import polars as pl
import sqlalchemy as sa

from nightschool.columns import EVENT, INSTANT, ITEM_ID, USER_ID
from nightschool.experiments.metrics import CONVERTED, HITS, LISTS, REJECTED, SETTLED
from nightschool.shown.attribution import AT, ITEMS
from nightschool.shown.exposures import ARM, exposed_users
from nightschool.shown.shown_frame import STANDS
from nightschool.storage.tables import EVENTS

FIRST_SHOWN_AT: Final = "first_shown_at"

CONVERTS: Final = ("like", "complete")
REJECTS: Final = ("dislike", "hide")

_ITEM_SHOWN_AT: Final = "item_shown_at"


def read_reactions(connection: sa.Connection, experiment: str, since: datetime) -> pl.DataFrame:
    """Read the likes, completions, dislikes and hides of exposed users: user_id, item_id, event, at."""
    exposed = exposed_users(connection, experiment)
    query = sa.select(EVENTS.c.user_id, EVENTS.c.item_id, EVENTS.c.event, EVENTS.c.at).where(
        EVENTS.c.user_id.in_(exposed), EVENTS.c.event.in_((*CONVERTS, *REJECTS)), EVENTS.c.at >= since
    )
    query = query.where(STANDS)
    schema = {USER_ID: pl.String(), ITEM_ID: pl.String(), EVENT: pl.String(), AT: INSTANT}
    return pl.DataFrame([*map(tuple, connection.execute(query))], schema, orient="row")


def outcomes_of(exposures: pl.DataFrame, reactions: pl.DataFrame, window: timedelta, now: datetime) -> pl.DataFrame:
    """Compute each user's outcome, by the time of the first list.

    It is user_id, arm, first_shown_at, settled, converted, rejected, hits (how many likes and completions of shown
    items), lists (how many within the window).

    Args:
        exposures: The lists that were shown, in the order of time: user_id, arm, at, items (structs with an item_id).
        reactions: What users did: user_id, item_id, event, at.
        window: How long after a user's first list a reaction counts.
        now: The time of the analysis.
    """
    first = exposures.group_by(USER_ID, maintain_order=True).first()
    first = first.select(USER_ID, ARM, pl.col(AT).alias(FIRST_SHOWN_AT))
    items = exposures.explode(ITEMS).select(USER_ID, pl.col(ITEMS).struct.field(ITEM_ID), AT)
    shown = items.group_by(USER_ID, ITEM_ID).agg(pl.col(AT).min().alias(_ITEM_SHOWN_AT))
    counted = reactions.join(shown, on=[USER_ID, ITEM_ID]).join(first, on=USER_ID)
    counted = counted.filter(pl.col(AT) >= pl.col(_ITEM_SHOWN_AT), pl.col(AT) < pl.col(FIRST_SHOWN_AT) + window)
    hits = pl.col(EVENT).is_in(CONVERTS)
    did = counted.group_by(USER_ID).agg(
        hits.any().alias(CONVERTED),
        pl.col(EVENT).is_in(REJECTS).any().alias(REJECTED),
        hits.sum().cast(pl.Int64).alias(HITS),
    )
    lists = exposures.join(first, on=USER_ID).filter(pl.col(AT) < pl.col(FIRST_SHOWN_AT) + window)
    counts = lists.group_by(USER_ID).agg(pl.len().cast(pl.Int64).alias(LISTS))
    joined = first.join(did, on=USER_ID, how="left", maintain_order="left")
    return joined.join(counts, on=USER_ID, how="left", maintain_order="left").select(
        USER_ID,
        ARM,
        FIRST_SHOWN_AT,
        (pl.col(FIRST_SHOWN_AT) + window <= now).alias(SETTLED),
        pl.col(CONVERTED, REJECTED).fill_null(value=False),
        pl.col(HITS, LISTS).fill_null(0),
    )
