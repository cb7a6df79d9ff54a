"""What was said of items and users, on the disk before it is acknowledged and in the order of commits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from nightschool.data.attributes import Action, Attributes
from nightschool.ids import is_storable
from nightschool.storage.database import reading, write_one_by_one, writing

_MOMENT: Final = timedelta(microseconds=1)


class Change(NamedTuple):
    """Something that is said of an item or user.

    Attributes:
        entity_id: The id, as text.
        attributes: As `Declared.checked` returned them; none for `withdraw`.
        known_at: When the newest was known that the release holds of it; None: it holds nothing.
    """

    entity_id: str
    action: Action
    attributes: Attributes
    known_at: datetime | None = None


class StoredChange(NamedTuple):
    """A change as it is kept; a greater sequence was committed later, and `at` is later too."""

    sequence: int
    entity_id: str
    action: Action
    attributes: Attributes
    at: datetime


class ChangeStore:
    """The changes of items or of users of one installation."""

    def __init__(self, engine: sa.Engine, table: sa.Table) -> None:
        """Open the changes.

        Args:
            engine: The database.
            table: `ITEM_CHANGES` or `USER_CHANGES`.
        """
        self._engine = engine
        self._table = table
        columns = table.columns
        self._key: sa.Column[str] = columns[1]
        self._columns = (columns.sequence, self._key, columns.action, columns.attributes, columns.at)

    def append(self, changes: Sequence[Change], sent_by: str = "") -> list[tuple[StoredChange, bool]]:
        """Store changes of different ids, all or none; return each as stored, and whether it was stored before.

        They are on the disk. What was said of an id last, and no release has overruled, is not stored again.

        Args:
            changes: The changes.
            sent_by: The name of the key.

        Raises:
            Unreachable: The database does not answer.
        """
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            last = self._last(connection, [change.entity_id for change in changes])
            again = {change.entity_id for change in changes if _says_the_same(change, last.get(change.entity_id))}
            at = max(datetime.now(UTC), self._newest_at(connection) + _MOMENT)
            rows = [self._row(each, at, sent_by) for each in changes if each.entity_id not in again]
            if rows:
                found = connection.execute(sa.insert(self._table).returning(*self._columns), rows)
                last |= {stored.entity_id: stored for stored in map(StoredChange._make, found)}
        return [(last[change.entity_id], change.entity_id in again) for change in changes]

    def since(self, instant: datetime) -> list[StoredChange]:
        """Read what was said after an instant, in order."""
        return self._read(self._table.c.at > instant)

    def after(self, sequence: int) -> list[StoredChange]:
        """Read what was said after a sequence, in order."""
        return self._read(self._table.c.sequence > sequence)

    def newest(self) -> int:
        """Return the greatest sequence; 0 without changes."""
        with reading(self._engine) as connection:
            return int(connection.execute(sa.select(sa.func.max(self._table.c.sequence))).scalar() or 0)

    def count_of(self, entity_id: str) -> int:
        """Count what was said of an id."""
        if not is_storable(entity_id):
            return 0
        query = sa.select(sa.func.count()).select_from(self._table).where(self._key == entity_id)
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar_one())

    def there(self) -> set[str]:
        """Return the ids that were put at some time and are not withdrawn, as text."""
        table = self._table
        newest = sa.select(sa.func.max(table.c.sequence)).group_by(self._key)
        put = sa.select(self._key).where(table.c.action == "put")
        query = sa.select(self._key).where(
            table.c.sequence.in_(newest), table.c.action != "withdraw", self._key.in_(put)
        )
        with reading(self._engine) as connection:
            return set(connection.execute(query).scalars())

    def _read(self, which: sa.ColumnElement[bool]) -> list[StoredChange]:
        query = sa.select(*self._columns).where(which).order_by(self._table.c.sequence)
        with reading(self._engine) as connection:
            return [StoredChange._make(row) for row in connection.execute(query)]

    def _last(self, connection: sa.Connection, ids: Iterable[str]) -> dict[str, StoredChange]:
        """Read what was said last of each id."""
        newest = sa.select(sa.func.max(self._table.c.sequence)).where(self._key.in_(list(ids))).group_by(self._key)
        rows = connection.execute(sa.select(*self._columns).where(self._table.c.sequence.in_(newest)))
        return {stored.entity_id: stored for stored in map(StoredChange._make, rows)}

    def _newest_at(self, connection: sa.Connection) -> datetime:
        query = sa.select(self._table.c.at).order_by(self._table.c.sequence.desc()).limit(1)
        newest: datetime | None = connection.execute(query).scalar()
        return newest or datetime.min.replace(tzinfo=UTC)

    def _row(self, change: Change, at: datetime, sent_by: str) -> Mapping[str, Any]:
        said = {"action": change.action, "attributes": dict(change.attributes)}
        return {self._key.name: change.entity_id, **said, "at": at, "sent_by": sent_by}


def _says_the_same(change: Change, last: StoredChange | None) -> bool:
    """Return whether a change repeats what was said last, and the release knows nothing newer."""
    if last is None or (change.action, change.attributes) != (last.action, last.attributes):
        return False
    return change.known_at is None or change.known_at <= last.at
