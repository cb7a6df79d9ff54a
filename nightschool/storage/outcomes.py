"""What people did with the lists that an experiment showed them."""

from datetime import datetime, timedelta
from typing import Final

import polars as pl
import sqlalchemy as sa

from nightschool.columns import ARM, CONVERTED, EVENT, FIRST_SHOWN_AT, INSTANT, ITEM_ID, REJECTED, SETTLED, USER_ID
from nightschool.storage.database import EVENTS, EXPOSURES

CONVERTS: Final = ("like", "complete")
REJECTS: Final = ("dislike", "hide")

_AT: Final = "at"
_ITEMS: Final = "items"
_SHOWN_AT: Final = "shown_at"
_SHOWN: Final = pl.List(pl.Struct({ITEM_ID: pl.String, "propensity": pl.Float64}))


def outcomes_of(exposures: pl.DataFrame, reactions: pl.DataFrame, window: timedelta, now: datetime) -> pl.DataFrame:
    """What became of each user: user_id, arm, first_shown_at, settled, converted, rejected; by first_shown_at."""
    first = exposures.group_by(USER_ID, maintain_order=True).first()
    first = first.select(USER_ID, ARM, pl.col(_AT).alias(FIRST_SHOWN_AT))
    items = exposures.explode(_ITEMS).select(USER_ID, pl.col(_ITEMS).struct.field(ITEM_ID), _AT)
    shown = items.group_by(USER_ID, ITEM_ID).agg(pl.col(_AT).min().alias(_SHOWN_AT))
    counted = reactions.join(shown, on=[USER_ID, ITEM_ID]).join(first, on=USER_ID)
    counted = counted.filter(pl.col(_AT) >= pl.col(_SHOWN_AT), pl.col(_AT) < pl.col(FIRST_SHOWN_AT) + window)
    did = counted.group_by(USER_ID).agg(
        pl.col(EVENT).is_in(CONVERTS).any().alias(CONVERTED), pl.col(EVENT).is_in(REJECTS).any().alias(REJECTED)
    )
    return first.join(did, on=USER_ID, how="left", maintain_order="left").select(
        USER_ID,
        ARM,
        FIRST_SHOWN_AT,
        (pl.col(FIRST_SHOWN_AT) + window <= now).alias(SETTLED),
        pl.col(CONVERTED, REJECTED).fill_null(value=False),
    )


def read_exposures(connection: sa.Connection, experiment: str) -> pl.DataFrame:
    """What was shown, in the order of time: user_id, arm, at, items."""
    columns = (EXPOSURES.c.user_id, EXPOSURES.c.arm, EXPOSURES.c.at, EXPOSURES.c["items"])
    query = sa.select(*columns).where(EXPOSURES.c.experiment == experiment)
    rows = connection.execute(query.order_by(EXPOSURES.c.at, EXPOSURES.c.sequence)).all()
    schema = {USER_ID: pl.String(), ARM: pl.String(), _AT: INSTANT, _ITEMS: pl.String()}
    frame = pl.DataFrame([*map(tuple, rows)], schema, orient="row")
    return frame.with_columns(pl.col(_ITEMS).str.json_decode(_SHOWN))


def read_reactions(connection: sa.Connection, experiment: str, since: datetime) -> pl.DataFrame:
    """What people who were shown something have liked, completed, disliked or hidden: user_id, item_id, event, at."""
    exposed = sa.select(EXPOSURES.c.user_id).where(EXPOSURES.c.experiment == experiment)
    query = sa.select(EVENTS.c.user_id, EVENTS.c.item_id, EVENTS.c.event, EVENTS.c.at).where(
        EVENTS.c.user_id.in_(exposed), EVENTS.c.event.in_((*CONVERTS, *REJECTS)), EVENTS.c.at >= since
    )
    schema = {USER_ID: pl.String(), ITEM_ID: pl.String(), EVENT: pl.String(), _AT: INSTANT}
    return pl.DataFrame([*map(tuple, connection.execute(query))], schema, orient="row")
