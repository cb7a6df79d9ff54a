"""Names that a manifest's columns may not have, since a table or a frame has a column of that name already."""

from collections.abc import Mapping
from typing import Any, Final

from nightschool.columns import (
    BOT_EVENT,
    DETAIL,
    ITEM_INDEX,
    NEGATIVE,
    POSITION,
    REASON,
    RELEVANT,
    ROW,
    SCORE,
    SOURCE_ROW,
    UNTIL,
    USER_INDEX,
    WITHDRAWN,
)
from nightschool.data.readers.source_format import Names
from nightschool.vocabulary import TIME_CONTEXTS

_ARRIVING: Final = (SOURCE_ROW, REASON, DETAIL, ROW, UNTIL, WITHDRAWN, "raw", "released")
"""Columns of a row on its way in."""

OF_EVENTS: Final = dict.fromkeys(
    (SCORE, RELEVANT, NEGATIVE, BOT_EVENT, POSITION, *TIME_CONTEXTS, "sequence", "at", "duration")
)
"""Columns of scored events and of feedback events, and contexts that every dataset with times has."""


def refuse_collisions(names: Names, fixed: Mapping[str, Any]) -> None:
    """Raise if two columns, or a column and one that every table has, would have the same name."""
    taken = {*fixed, USER_INDEX, ITEM_INDEX, *_ARRIVING}
    repeated = {name for name in names if names.count(name) > 1}
    if clash := sorted(repeated | (taken & {*names})):
        raise ValueError(f"columns {clash} collide with the table's own or with each other; rename them at the source")
