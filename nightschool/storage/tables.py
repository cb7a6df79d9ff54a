"""The tables of what serving writes: events, their undoing, keys, experiments, lists and their impressions."""

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from nightschool.columns import EVENT, EVENT_ID, ITEM_ID, LIST_ID, RELEASE_ID, USER_ID
from nightschool.errors import NightschoolError


class Instant(sa.TypeDecorator[datetime]):
    """A time in UTC: text that sorts in SQLite, a timestamp with its zone in PostgreSQL."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Convert to UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise NightschoolError("a time has no zone", seen=value, do="give it one")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time in UTC, with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _sequence() -> sa.Column[int]:
    return sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **more)


METADATA: Final = sa.MetaData()

EVENTS: Final = sa.Table(
    "events",
    METADATA,
    _sequence(),
    _text(EVENT_ID, unique=True),
    _text(USER_ID),
    _text(ITEM_ID),
    _text(EVENT),
    sa.Column("at", Instant, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("sent_by", sa.Text),
    sa.Column("told_at", Instant),
    sa.Column("context", sa.JSON(none_as_null=True)),
    sa.Column(LIST_ID, sa.Text),
    sa.Index("events_of_user", USER_ID, "sequence"),
    sa.Index(
        "events_of_list",
        LIST_ID,
        sqlite_where=sa.text(f"{LIST_ID} IS NOT NULL"),
        postgresql_where=sa.text(f"{LIST_ID} IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)
"""What people did, in the order in which it was taken in; a sequence is never given twice.

`sent_by` is the name of the key, empty without one. `told_at` is what the sender's clock said where `at`, by ours, is
another time. `context` holds the declared contexts by name, empty where none was sent. `list_id` is the list that the
sender says it happened on.
"""

REACTS: Final = sa.text("event <> 'view'")
"""Which events can change a list; written out, as an index for these alone needs it."""

REACTIONS_INDEX: Final = sa.Index(
    "reactions_of_user",
    EVENTS.c.user_id,
    EVENTS.c.sequence,
    sqlite_where=REACTS,
    postgresql_where=REACTS,
)
"""Reading a user's reactions skips their views, of which there may be many."""

UNDONE: Final = sa.Table(
    "undone",
    METADATA,
    _sequence(),
    _text(EVENT_ID, unique=True),
    _text(USER_ID),
    sa.Column("at", Instant, nullable=False),
    sa.Column("sent_by", sa.Text),
    sa.Column("place", sa.BigInteger),
    sa.Index("undone_of_user", USER_ID, "sequence"),
    sqlite_autoincrement=True,
)
"""Events that their users took back. The events stay where they are: a night may have read them.

`place` is a sequence of events that no event has: nights read both in this one order.
"""

KEYS: Final = sa.Table(
    "keys",
    METADATA,
    _text("name", primary_key=True),
    _text("role"),
    _text("sha256", unique=True),
    sa.Column("added_at", Instant, nullable=False),
    sa.Column(USER_ID, sa.Text),
    sa.Column("per_second", sa.Double),
)
"""Who may ask the API, and how often; the keys themselves are nowhere. A key that was revoked leaves its name."""

EXPERIMENTS: Final = sa.Table(
    "experiments",
    METADATA,
    _text("name", primary_key=True),
    _text("salt"),
    sa.Column("arms", sa.JSON, nullable=False),
    sa.Column("explore", sa.Double, nullable=False),
    sa.Column("window_hours", sa.Double, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("stopped_at", Instant),
    _text("reason"),
)
"""What was tried on people."""

EXPOSURES: Final = sa.Table(
    "exposures",
    METADATA,
    _sequence(),
    _text("experiment"),
    _text(USER_ID),
    _text("arm"),
    _text(RELEASE_ID),
    sa.Column("at", Instant, nullable=False),
    _text("items"),
    sa.Index("exposures_of_user", "experiment", USER_ID),
    sqlite_autoincrement=True,
)
"""First exposures of experiments before lists had ids, and of lists that were pruned: items and chances as JSON."""

LISTS: Final = sa.Table(
    "lists",
    METADATA,
    _text(LIST_ID, primary_key=True),
    sa.Column(USER_ID, sa.Text),
    _text("scenario"),
    _text(RELEASE_ID),
    _text("arms"),
    sa.Column("tuned", sa.Boolean, nullable=False),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("first_place", sa.Integer, nullable=False),
    _text("items"),
    sa.Index("lists_of_user", USER_ID, "made_at"),
    sa.Index("lists_made_at", "made_at"),
)
"""The lists that left the service, of which some were shown.

`user_id` is empty for a session, `scenario` without one. `arms` is a JSON object, experiment to arm, its keys in order.
`tuned` says that the request changed the list by hand. `items` is a JSON array of item_id, propensity and source, from
the place `first_place` of the whole list on: a later page does not begin with 1.
"""

IMPRESSIONS: Final = sa.Table(
    "impressions",
    METADATA,
    _sequence(),
    _text("impression_id", unique=True),
    _text(LIST_ID),
    sa.Column(USER_ID, sa.Text),
    sa.Column("at", Instant, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("places", sa.JSON(none_as_null=True)),
    sa.Column("sent_by", sa.Text),
    sa.Index("impressions_of_list", LIST_ID),
    sa.Index("impressions_of_user", USER_ID, "sequence"),
    sqlite_autoincrement=True,
)
"""When lists were seen; `places` are the ranks that were, empty for all of the list."""
