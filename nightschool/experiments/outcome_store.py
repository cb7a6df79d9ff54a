"""What an experiment showed people and what they did, as the database keeps it."""

from datetime import datetime
from typing import Final

import polars as pl
import sqlalchemy as sa

from nightschool.columns import EVENT, INSTANT, ITEM_ID, USER_ID
from nightschool.experiments.outcomes import ARM, AT, CONVERTS, REJECTS, SHOWN
from nightschool.storage.tables import EVENTS, EXPOSURES, UNDONE

_ITEMS: Final = pl.List(pl.Struct({ITEM_ID: pl.String, "propensity": pl.Float64}))


def read_exposures(connection: sa.Connection, experiment: str) -> pl.DataFrame:
    """What was shown, in the order of time: user_id, arm, at, items."""
    columns = (EXPOSURES.c.user_id, EXPOSURES.c.arm, EXPOSURES.c.at, EXPOSURES.c[SHOWN])
    query = sa.select(*columns).where(EXPOSURES.c.experiment == experiment)
    rows = connection.execute(query.order_by(EXPOSURES.c.at, EXPOSURES.c.sequence)).all()
    schema = {USER_ID: pl.String(), ARM: pl.String(), AT: INSTANT, SHOWN: pl.String()}
    frame = pl.DataFrame([*map(tuple, rows)], schema, orient="row")
    return frame.with_columns(pl.col(SHOWN).str.json_decode(_ITEMS))


def read_reactions(connection: sa.Connection, experiment: str, since: datetime) -> pl.DataFrame:
    """What people who were shown something have liked, completed, disliked or hidden: user_id, item_id, event, at."""
    exposed = sa.select(EXPOSURES.c.user_id).where(EXPOSURES.c.experiment == experiment)
    query = sa.select(EVENTS.c.user_id, EVENTS.c.item_id, EVENTS.c.event, EVENTS.c.at).where(
        EVENTS.c.user_id.in_(exposed), EVENTS.c.event.in_((*CONVERTS, *REJECTS)), EVENTS.c.at >= since
    )
    query = query.where(EVENTS.c.event_id.not_in(sa.select(UNDONE.c.event_id)))
    schema = {USER_ID: pl.String(), ITEM_ID: pl.String(), EVENT: pl.String(), AT: INSTANT}
    return pl.DataFrame([*map(tuple, connection.execute(query))], schema, orient="row")
