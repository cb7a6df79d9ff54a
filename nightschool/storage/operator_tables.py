"""The tables of what operators do: who changed what, interventions, versions of rules, and repairs of rows."""

from typing import Final

import sqlalchemy as sa

from nightschool.columns import DETAIL, ITEM_ID, REASON, ROW, SOURCE_FILE, SOURCE_ROW, TABLE
from nightschool.storage.tables import METADATA, Instant, sequence, text

ALL_TABLES: Final = METADATA
"""The tables of this module and those of `tables`, which a database has together."""

AUDIT: Final = sa.Table(
    "audit",
    METADATA,
    sequence(),
    sa.Column("at", Instant, nullable=False),
    text("who"),
    text("action"),
    text("what"),
    sa.Column("details", sa.JSON, nullable=False),
    sqlite_autoincrement=True,
)
"""Who changed what an installation shows, and who may ask it. It names keys, never users."""

INTERVENTIONS: Final = sa.Table(
    "interventions",
    METADATA,
    sequence(),
    text(ITEM_ID),
    text("kind"),
    sa.Column("place", sa.BigInteger),
    sa.Column("points", sa.Double),
    sa.Column("scenario", sa.Text),
    sa.Column("until", Instant),
    text("reason"),
    text("set_by"),
    sa.Column("set_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sqlite_autoincrement=True,
)
"""Pins, boosts and bans of items, each with when it ends by itself."""

RULE_VERSIONS: Final = sa.Table(
    "rule_versions",
    METADATA,
    sequence(),
    text("file"),
    text("text"),
    sa.Column("at", Instant, nullable=False),
    text("who"),
    text("why"),
    sa.Index("versions_of_file", "file", "sequence"),
    sqlite_autoincrement=True,
)
"""Every version of the files of rules and of scenarios that was seen; one that is not there is an empty text."""
REPAIRS: Final = sa.Table(
    "repairs",
    METADATA,
    sequence(),
    text(TABLE),
    text(SOURCE_FILE),
    sa.Column(SOURCE_ROW, sa.BigInteger, nullable=False),
    text("seen"),
    sa.Column(ROW, sa.Text),
    text("state"),
    text(REASON),
    text("asked_by"),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("done_at", Instant),
    text(DETAIL),
    sqlite_autoincrement=True,
)
"""What operators asked to be done with quarantined rows; the next ingest does it.

`seen` is the hash of the row as it was when they asked. `row` is the row as they corrected it, until the ingest has
tried it; empty for a row that is dismissed.
"""
