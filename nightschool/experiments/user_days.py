"""What came of each user's day in an experiment whose arms are drawn anew each day."""

import json
from datetime import datetime
from typing import Final

import polars as pl
import sqlalchemy as sa

from nightschool.columns import INSTANT, LIST_ID, USER_ID
from nightschool.experiments.plan import Experiment
from nightschool.shown.shown_frame import read_shown
from nightschool.shown_table import ARMS, COMPLETED_AT, LIKED_AT, SHOWN_AT, TUNED
from nightschool.storage.database import reading
from nightschool.storage.tables import LISTS

DAY: Final = "day"
ARM: Final = "arm"
SETTLED: Final = "settled"
CONVERTED: Final = "converted"

_MADE_AT: Final = "made_at"


def read_user_days(engine: sa.Engine, experiment: Experiment, now: datetime) -> pl.DataFrame:
    """Read the days on which users were shown lists of an experiment, in the order of days.

    A day is that on which the lists were made, for which the arm was drawn, though a list may be seen after midnight.

    Args:
        engine: The database.
        experiment: The experiment, whose window says how long a reaction counts.
        now: The time of the analysis.

    Returns:
        user_id, day, arm, settled (the window of all that was shown is over), converted (liked or completed an item
        that was shown).

    Raises:
        Unreachable: The database does not answer.
    """
    shown = read_shown(engine, experiment.started_at, now, experiment.window)
    shown = shown.filter(pl.col(USER_ID).is_not_null(), ~pl.col(TUNED))
    arms = {text: json.loads(text).get(experiment.name) for text in shown[ARMS].unique()}
    arm = pl.col(ARMS).replace_strict(arms, return_dtype=pl.String, default=None).alias(ARM)
    with reading(engine) as connection:
        query = sa.select(LISTS.c.list_id, LISTS.c.made_at).where(LISTS.c.made_at >= experiment.started_at)
        schema = {LIST_ID: pl.String(), _MADE_AT: INSTANT}
        made = pl.DataFrame([*map(tuple, connection.execute(query))], schema, orient="row")
    rows = shown.with_columns(arm).filter(pl.col(ARM).is_not_null()).join(made, on=LIST_ID)
    hit = pl.any_horizontal(pl.col(LIKED_AT, COMPLETED_AT).is_not_null())
    days = rows.with_columns(pl.col(_MADE_AT).dt.date().alias(DAY), hit.alias(CONVERTED)).sort(_MADE_AT)
    found = days.group_by(DAY, USER_ID, maintain_order=True).agg(
        pl.col(ARM).first(),
        (pl.col(SHOWN_AT).max() + experiment.window <= now).alias(SETTLED),
        pl.col(CONVERTED).any(),
    )
    return found.select(USER_ID, DAY, ARM, SETTLED, CONVERTED)
