"""Keeping the database small: lists that nobody saw, and what the lake holds by now, are removed."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from nightschool.columns import ITEM_ID, LIST_ID
from nightschool.shown.attribution import entries_of
from nightschool.shown.shown_frame import exposure_times
from nightschool.shown_table import PROPENSITY
from nightschool.storage.database import reading, writing
from nightschool.storage.tables import EVENTS, EXPOSURES, IMPRESSIONS, LISTS

UNSEEN: Final = timedelta(days=7)
"""How long a list without impression or event is kept: an e-mail may be opened late."""

KEPT: Final = timedelta(days=90)
"""How long a list that was shown, and its impressions, are kept in the database."""

_AT_ONCE: Final = 500


def prune_lists(engine: sa.Engine, now: datetime, stored_to: datetime | None) -> int:
    """Remove old lists and impressions from the database; return the number of lists.

    First exposures of experiments stay, in the table `exposures`. Events stay: the log of interactions is made of them.

    Args:
        engine: The database.
        now: The time of the night.
        stored_to: When the newest row in the lake was shown; None: there is none.

    Raises:
        Unreachable: The database does not answer.
    """
    old = now - KEPT if stored_to is None else min(now - KEPT, stored_to)
    seen = sa.or_(_names(IMPRESSIONS), _names(EVENTS))
    unseen = sa.and_(LISTS.c.made_at < now - UNSEEN, ~seen)
    gone = unseen if stored_to is None else sa.or_(unseen, LISTS.c.made_at < old)
    with reading(engine) as connection:
        list_ids = connection.execute(sa.select(LISTS.c.list_id).where(gone)).scalars().all()
    for start in range(0, len(list_ids), _AT_ONCE):
        _remove(engine, list_ids[start : start + _AT_ONCE])
    if stored_to is not None:
        lists = sa.select(LISTS.c.list_id)
        stale = sa.and_(IMPRESSIONS.c.received_at < old, IMPRESSIONS.c.list_id.not_in(lists))
        with reading(engine) as connection:
            sequences = connection.execute(sa.select(IMPRESSIONS.c.sequence).where(stale)).scalars().all()
        for start in range(0, len(sequences), _AT_ONCE):
            some = IMPRESSIONS.c.sequence.in_(sequences[start : start + _AT_ONCE])
            with writing(engine) as connection:
                connection.execute(sa.delete(IMPRESSIONS).where(some))
    return len(list_ids)


def count_unknown(engine: sa.Engine, since: datetime, until: datetime) -> int:
    """Count the impressions of a span that are of lists that the database does not hold, and drop out.

    Raises:
        Unreachable: The database does not answer.
    """
    known = sa.select(LISTS.c.list_id).where(LISTS.c.list_id == IMPRESSIONS.c.list_id).exists()
    during = sa.and_(IMPRESSIONS.c.received_at >= since, IMPRESSIONS.c.received_at < until)
    query = sa.select(sa.func.count()).select_from(IMPRESSIONS).where(during, ~known)
    with reading(engine) as connection:
        return int(connection.execute(query).scalar_one())


def _names(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.select(table.c.list_id).where(table.c.list_id == LISTS.c.list_id).exists()


def _remove(engine: sa.Engine, list_ids: Sequence[str]) -> None:
    """Remove some lists; what they exposed for experiments is written down in the same transaction."""
    times = exposure_times().subquery()
    first = sa.func.min(times.c.at, type_=LISTS.c.made_at.type).label("at")
    exposed = sa.select(LISTS, first).join(times, times.c.list_id == LISTS.c.list_id)
    counts = sa.and_(LISTS.c.arms != "{}", ~LISTS.c.tuned, LISTS.c.user_id.is_not(None))
    exposed = exposed.where(LISTS.c.list_id.in_(list_ids), counts).group_by(LISTS.c.list_id)
    with writing(engine) as connection:
        logged = [row for one in connection.execute(exposed).mappings() for row in _exposures(one)]
        if logged:
            connection.execute(sa.insert(EXPOSURES), logged)
        connection.execute(sa.delete(LISTS).where(LISTS.c.list_id.in_(list_ids)))


def _exposures(row: sa.RowMapping) -> Iterator[dict[str, Any]]:
    """Yield the exposure of each experiment that a list was in."""
    entries = entries_of(pl.DataFrame({name: [row[name]] for name in (LIST_ID, "first_place", "items")}))
    items = json.dumps(entries.select(ITEM_ID, PROPENSITY).to_dicts())
    about = {name: row[name] for name in ("user_id", "release_id", "at")}
    for experiment, arm in json.loads(row["arms"]).items():
        yield {**about, "experiment": experiment, "arm": arm, "items": items}
