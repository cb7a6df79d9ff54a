"""What was shown: stored by the night, and read for reports and the command line."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl
import sqlalchemy as sa

from nightschool.application.home import manifest_of
from nightschool.columns import USERS
from nightschool.reports.shown_rates import RECENT, Rate, rates_of, recent
from nightschool.settings import Settings
from nightschool.shown.lake_table import append_shown, newest_shown, shown_at
from nightschool.shown.pruning import count_unknown, prune_lists
from nightschool.storage.as_of import scan_at
from nightschool.storage.database import find_database
from nightschool.storage.home import Home

logger = logging.getLogger("nightschool.tasks")


class ShownFigures(NamedTuple):
    """What was shown in the four weeks before T.

    Attributes:
        unknown: Impressions of lists that are not known.
    """

    as_of: datetime
    rates: Sequence[Rate]
    unknown: int


def store_shown(home: Home, now: datetime) -> int:
    """Move what was shown into the home's tables, and prune the database; return the number of rows.

    Raises:
        Unreachable: The database does not answer.
    """
    with _database() as engine:
        if engine is None:
            return 0
        n_rows = append_shown(home.lake, engine, now)
        n_lists = prune_lists(engine, now, newest_shown(home.lake))
    if n_rows or n_lists:
        logger.info("ingest: shown: %d rows stored, %d lists pruned", n_rows, n_lists)
    return n_rows


def shown_before(home: Home, as_of: datetime, users: pl.DataFrame, attributes: Sequence[str]) -> ShownFigures:
    """Compute what came of what was shown in the four weeks before T, as it was known then.

    Args:
        home: Where to look.
        as_of: T.
        users: The users as of T.
        attributes: Their columns of labels.

    Raises:
        Unreachable: The database does not answer.
    """
    rates = rates_of(recent(shown_at(home.lake, as_of), as_of), users, attributes)
    with _database() as engine:
        return ShownFigures(as_of, rates, 0 if engine is None else count_unknown(engine, as_of - RECENT, as_of))


def shown_until_now(home: Home) -> ShownFigures:
    """Compute what came of what was shown in the last four weeks, up to the last night.

    Raises:
        Unreachable: The database does not answer.
    """
    now, manifest = datetime.now(UTC), manifest_of(home)
    users = scan_at(home.lake, USERS, now).collect()
    declared = manifest.users.attributes if manifest.users else ()
    return shown_before(home, now, users, [name for name in declared if name in users.columns])


@contextmanager
def _database() -> Iterator[sa.Engine | None]:
    """Open the database of the service; None where there is none yet."""
    engine = find_database(Settings().events_address)
    try:
        yield engine
    finally:
        if engine is not None:
            engine.dispose()
