"""The difference between an arm and the control as it was at earlier times, for a picture of its course."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import polars as pl

from nightschool.experiments.analysis import analyze
from nightschool.experiments.metrics import SETTLED
from nightschool.experiments.outcomes import FIRST_SHOWN_AT

LOOKS: Final = 24
"""Times at which the difference is computed, evenly spread."""


class Look(NamedTuple):
    """The difference of conversions to the control at a time, with an interval that holds at all looks together."""

    at: datetime
    value: float
    low: float
    high: float


def course(
    outcomes: pl.DataFrame, arms: Sequence[str], shares: Sequence[float], window: timedelta
) -> dict[str, list[Look]]:
    """Compute the difference of each arm to the control at times up to now.

    Looks at which an arm has too few users for an interval are left out.

    Args:
        outcomes: A row a user, as `Experiments.outcomes` returns them.
        arms: Names; the first is the control.
        shares: Of each arm, as planned.
        window: How long after a user's first list a reaction counts.

    Returns:
        Arm to its looks, in the order of time; the control is left out.
    """
    settled = outcomes.filter(pl.col(SETTLED)).with_columns(pl.col(FIRST_SHOWN_AT) + window)
    looks: dict[str, list[Look]] = {name: [] for name in arms[1:]}
    if settled.is_empty():
        return looks
    since, until = settled[FIRST_SHOWN_AT].item(0), settled[FIRST_SHOWN_AT].item(-1)
    for number in range(1, LOOKS + 1):
        at = since + (until - since) * (number / LOOKS)
        for arm in analyze(settled.filter(pl.col(FIRST_SHOWN_AT) <= at), arms, shares).arms[1:]:
            found = arm.difference
            if found is not None and (found.low, found.high) != (-1.0, 1.0):
                looks[arm.name].append(Look(at, *found))
    return looks
