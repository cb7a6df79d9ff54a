"""The table of what was shown: its columns and key, once."""

from typing import Final

import polars as pl

from nightschool.table import ID, Table

LIST_ID: Final = "list_id"
PLACE: Final = "place"
SCENARIO: Final = "scenario"
ARMS: Final = "arms"
TUNED: Final = "tuned"
PROPENSITY: Final = "propensity"
SHOWN_AT: Final = "shown_at"
TIMES: Final = "times"
VIEWED_AT: Final = "viewed_at"
LIKED_AT: Final = "liked_at"
COMPLETED_AT: Final = "completed_at"
REJECTED_AT: Final = "rejected_at"

_INSTANT: Final = pl.Datetime("us", "UTC")

SHOWN: Final = Table(
    "shown",
    {
        LIST_ID: pl.String,
        "user_id": ID,
        "item_id": ID,
        PLACE: pl.Int64,
        **dict.fromkeys((SCENARIO, "release_id", ARMS), pl.String),
        TUNED: pl.Boolean,
        PROPENSITY: pl.Float64,
        "source": pl.String,
        SHOWN_AT: _INSTANT,
        TIMES: pl.Int64,
        **dict.fromkeys((VIEWED_AT, LIKED_AT, COMPLETED_AT, REJECTED_AT), _INSTANT),
    },
    key=(LIST_ID, PLACE),
)
"""A row a place of a list that was shown, written once nothing more can come of it; an empty user is a session."""
