"""What was shown, moved from the service's database to the lake once nothing more can come of it."""

from datetime import datetime, timedelta
from typing import Final

import polars as pl
import sqlalchemy as sa

from nightschool.columns import ITEM_ID, LIST_ID, SHOWN, USER_ID
from nightschool.shown.attribution import WINDOW
from nightschool.shown.shown_frame import read_shown
from nightschool.shown_table import PLACE, SHOWN_AT
from nightschool.storage.lake import Lake

_LATE: Final = timedelta(days=2)
"""How long before the newest row of the table an impression that comes late may still bring one."""

_FIRST: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")
_ENTRY: Final = [LIST_ID, PLACE]


def append_shown(lake: Lake, engine: sa.Engine, now: datetime) -> int:
    """Add what was shown a window ago or before, and is not in the table yet; return the number of rows.

    A row never changes: it is added when its window has passed. Whoever reads the table as of T keeps the rows of which
    the window had passed then.

    Args:
        lake: The tables of the home.
        engine: The database.
        now: The time of the night.

    Raises:
        Unreachable: The database does not answer.
    """
    newest = newest_shown(lake)
    since = _FIRST if newest is None else newest - _LATE
    rows = read_shown(engine, since, now - WINDOW)
    if rows.is_empty():
        return 0
    known = lake.scan(SHOWN).filter(pl.col(SHOWN_AT) >= since - _LATE).select(_ENTRY).collect()
    schema = lake.schema(SHOWN)
    ids = [pl.col(name).cast(schema[name], strict=False) for name in (USER_ID, ITEM_ID)]
    fresh = rows.join(known, on=_ENTRY, how="anti").with_columns(ids).filter(pl.col(ITEM_ID).is_not_null())
    if not fresh.is_empty():
        lake.append(SHOWN, fresh.select(*schema))
    return fresh.height


def shown_at(lake: Lake, as_of: datetime) -> pl.LazyFrame:
    """Scan what was shown, as it was known at an instant."""
    return lake.scan(SHOWN).filter(pl.col(SHOWN_AT) + WINDOW <= as_of)


def newest_shown(lake: Lake) -> datetime | None:
    """Return when the newest row of the table was shown; None without any."""
    newest: datetime | None = lake.scan(SHOWN).select(pl.col(SHOWN_AT).max()).collect().item()
    return newest
