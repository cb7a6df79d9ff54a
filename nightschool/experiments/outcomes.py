"""What became of the people of an experiment: whether they took up, or rejected, what they were shown."""

from datetime import datetime, timedelta
from typing import Final

import polars as pl

from nightschool.columns import EVENT, ITEM_ID, USER_ID

ARM: Final = "arm"
AT: Final = "at"
SHOWN: Final = "items"
FIRST_SHOWN_AT: Final = "first_shown_at"
SETTLED: Final = "settled"
CONVERTED: Final = "converted"
REJECTED: Final = "rejected"

CONVERTS: Final = ("like", "complete")
REJECTS: Final = ("dislike", "hide")

_ITEM_SHOWN_AT: Final = "item_shown_at"


def outcomes_of(exposures: pl.DataFrame, reactions: pl.DataFrame, window: timedelta, now: datetime) -> pl.DataFrame:
    """What became of each user: user_id, arm, first_shown_at, settled, converted, rejected; by first_shown_at.

    Args:
        exposures: The lists that were shown, in the order of time: user_id, arm, at, items (structs with an item_id).
        reactions: What people did: user_id, item_id, event, at.
        window: How long after a user's first list a reaction counts.
        now: When this is asked.
    """
    first = exposures.group_by(USER_ID, maintain_order=True).first()
    first = first.select(USER_ID, ARM, pl.col(AT).alias(FIRST_SHOWN_AT))
    items = exposures.explode(SHOWN).select(USER_ID, pl.col(SHOWN).struct.field(ITEM_ID), AT)
    shown = items.group_by(USER_ID, ITEM_ID).agg(pl.col(AT).min().alias(_ITEM_SHOWN_AT))
    counted = reactions.join(shown, on=[USER_ID, ITEM_ID]).join(first, on=USER_ID)
    counted = counted.filter(pl.col(AT) >= pl.col(_ITEM_SHOWN_AT), pl.col(AT) < pl.col(FIRST_SHOWN_AT) + window)
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
