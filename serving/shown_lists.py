"""The lists that leave the service: each gets an id, and is written down soon after, in no request's time."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from threading import Lock
from typing import Final, NamedTuple

import orjson

from nightschool.columns import ITEM_ID, SOURCE
from nightschool.errors import NotFound
from nightschool.ids import is_storable
from nightschool.shown.list_ids import is_list_of, make_list_id
from nightschool.shown.list_store import ListRow, ListStore
from serving.current import Current
from serving.experiment_assignment import Arms
from serving.listing import Entry
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from serving.telemetry import LISTS_DROPPED

MOST_WAITING: Final = 20_000
"""How many lists wait for the database, about 20 MB; where it is away for longer, the oldest are dropped."""

_REMEMBERED: Final = 50_000
"""How many ids are remembered, so that a list that is asked for again is written once."""

_ITEM, _SOURCE = itemgetter(ITEM_ID), itemgetter(SOURCE)


class Origin(NamedTuple):
    """Where a list comes from.

    Attributes:
        installation: The name of the home's data set.
        scenario: The placement; empty without one.
        arms: The experiments that made it what it is.
        tuned: Whether the request changed it by hand.
    """

    installation: str
    release_id: str
    scenario: str = ""
    arms: Arms = ()
    tuned: bool = False


def list_row(
    origin: Origin,
    user_id: ExternalId | None,
    entries: Sequence[Entry],
    propensities: Sequence[float] | None = None,
    day: int | None = None,
) -> ListRow:
    """Return what is written down of a list; its id is the same wherever the same list is made that day.

    Args:
        origin: Where it comes from.
        user_id: Whose it is; None for a session.
        entries: The entries with their final ranks.
        propensities: The chance that each came to its place; None where nothing was random.
        day: A number of the day, of which the id is; None: today.
    """
    user, now = None if user_id is None else str(user_id), datetime.now(UTC)
    day = now.toordinal() if day is None else day
    listed = {
        ITEM_ID: [*map(str, map(_ITEM, entries))],
        "propensity": propensities or [1.0] * len(entries),
        SOURCE: [*map(_SOURCE, entries)],
    }
    items = orjson.dumps(listed)
    first, arms = entries[0]["rank"] if entries else 1, _as_json(origin.arms)
    about = f"{user}\0{origin.scenario}\0{origin.release_id}\0{arms}\0{origin.tuned}\0{first}\0{day}\0"
    list_id = make_list_id(about.encode(errors="surrogatepass") + items, user, origin.installation)
    release, tuned = origin.release_id, origin.tuned
    return ListRow(list_id, user, origin.scenario, release, arms, tuned, now, first, items.decode())


def require_list_of(list_id: str, user_id: ExternalId | None, snapshot: Snapshot) -> None:
    """Raise unless an id can be one of a list of a user, or of a session.

    A list that another worker made may not be written down yet, so that a list that nobody made passes as well.

    Raises:
        NotFound: It can be none.
    """
    whose = {None, None if user_id is None else str(user_id)}
    if not any(is_list_of(list_id, each, snapshot.binding.dataset) for each in whose):
        raise NotFound("no such list of this user", seen=list_id[:40], do="give the list_id of the user's own list")


class ShownLists:
    """The lists that left this process, queued until they are written."""

    def __init__(self, store: ListStore, current: Current) -> None:
        self._store = store
        self._current = current
        self._lock = Lock()
        self._waiting: list[ListRow] = []
        self._known: OrderedDict[str, str] = OrderedDict()

    def note(self, row: ListRow) -> None:
        """Queue a list that leaves the service, unless it left before."""
        if row.list_id in self._known or not is_storable(row.user_id or ""):
            return
        with self._lock:
            self._known[row.list_id] = row.scenario
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
            self._waiting.append(row)
            self._drop_oldest()

    def flush(self) -> None:
        """Write the queued lists, those of erased users aside; what cannot be written now stays queued.

        Raises:
            Unreachable: The database does not answer.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, []
        try:
            self._store.append(self._of_remembered(waiting))
        except BaseException:
            with self._lock:
                self._waiting = [*waiting, *self._waiting]
                self._drop_oldest()
            raise

    def scenarios(self, list_ids: Iterable[str]) -> Mapping[str, str]:
        """Return the scenarios of those of the lists that this process made lately, or that are written.

        Raises:
            Unreachable: The database does not answer.
        """
        asked = {*list_ids}
        here = {list_id: scenario for list_id in asked if (scenario := self._known.get(list_id)) is not None}
        elsewhere = asked - here.keys()
        return {**self._store.scenarios(elsewhere), **here} if elsewhere else here

    def _of_remembered(self, rows: Sequence[ListRow]) -> list[ListRow]:
        """Return the rows of sessions and of users who were not erased."""
        snapshot = self._current.served
        if not rows or snapshot is None:
            return [*rows]
        ids = {row.user_id: snapshot.user_id(row.user_id) for row in rows if row.user_id is not None}
        gone = self._current.erased(user for user in ids.values() if user is not None)
        return [row for row in rows if row.user_id is None or ids[row.user_id] not in gone]

    def _drop_oldest(self) -> None:
        n_dropped = len(self._waiting) - MOST_WAITING
        if n_dropped > 0:
            for row in self._waiting[:n_dropped]:
                self._known.pop(row.list_id, None)  # one that leaves again is written then
            del self._waiting[:n_dropped]
            LISTS_DROPPED.inc(n_dropped)


@lru_cache(maxsize=256)
def _as_json(arms: Arms) -> str:
    return orjson.dumps(dict(arms), option=orjson.OPT_SORT_KEYS).decode()
