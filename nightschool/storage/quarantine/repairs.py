"""What operators asked to be done with quarantined rows: repairs and dismissals, which the next ingest carries out."""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa

from nightschool.columns import DETAIL, REASON, ROW, SOURCE_FILE, SOURCE_ROW, TABLE
from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.audit import note_in
from nightschool.storage.database import reading, write_one_by_one, writing
from nightschool.storage.erasing import erase
from nightschool.storage.operator_tables import REPAIRS

State = Literal["waiting", "taken", "refused", "dismissed", "gone"]

WAITING: Final = "waiting"


class Place(NamedTuple):
    """What names a quarantined row."""

    table: str
    source_file: str
    source_row: int


class Repair(NamedTuple):
    """A repair or a dismissal of one quarantined row.

    Attributes:
        seen: The hash of the row that it is about, as `hash_row` makes it.
        row: The corrected row, one JSON object; None for a dismissal, and once the ingest has tried it.
        state: Waiting, until an ingest has taken the row in, refused it once more or dismissed it; gone where the row
            was not there any more.
        reason: Why the row is dismissed; empty for a repair.
        asked_by: The name of the key; empty where the server has no keys.
        detail: Why it was refused.
    """

    sequence: int
    place: Place
    seen: str
    row: str | None
    state: State
    reason: str
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    detail: str

    @property
    def dismisses(self) -> bool:
        """Return whether the row is to leave the list without coming in."""
        return bool(self.reason)


class Repairs:
    """The repairs and dismissals that operators asked for; one waits a row, the newest."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def ask(self, place: Place, was: str | None, row: str, by: str) -> None:
        """Ask for a corrected row to be taken in.

        Args:
            place: The quarantined row.
            was: Its text, as it was corrected from.
            row: The corrected row, one JSON object.
            by: The name of the key.

        Raises:
            ConfigurationError: The row was not kept, or nothing in it was corrected.
            Unreachable: The database does not answer.
        """
        if was is None:
            raise ConfigurationError("this row was not kept", seen=_name(place), do="dismiss it")
        if row == was:
            raise ConfigurationError("nothing was corrected", seen=_name(place), do="correct a value")
        self._put(place, was, by, "asked_repair", {ROW: row, REASON: ""})

    def dismiss(self, place: Place, was: str | None, reason: str, by: str) -> None:
        """Ask for a row to leave the list without coming in.

        Args:
            place: The quarantined row.
            was: Its text; None where it was not kept.
            reason: Why, for people.
            by: The name of the key.

        Raises:
            ConfigurationError: No reason is given.
            Unreachable: The database does not answer.
        """
        if not reason:
            raise ConfigurationError("a dismissal needs a reason", do="go back and say why")
        self._put(place, was, by, "dismissed_row", {ROW: None, REASON: reason})

    def take_back(self, place: Place, by: str) -> None:
        """Take back what was asked for a row and still waits.

        Args:
            place: The quarantined row.
            by: The name of the key.

        Raises:
            NotFound: Nothing waits for that row.
            Unreachable: The database does not answer.
        """
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            if not connection.execute(sa.delete(REPAIRS).where(_waits_for(place))).rowcount:
                raise NotFound("nothing waits for this row", seen=_name(place), do="an ingest has taken it up already")
            note_in(connection, by, "took_back_row", _name(place))

    def waiting(self) -> tuple[Repair, ...]:
        """Return what waits for the next ingest, the oldest first."""
        return self._read(sa.select(REPAIRS).where(REPAIRS.c.state == WAITING).order_by(REPAIRS.c.sequence))

    def all(self) -> tuple[Repair, ...]:
        """Return every one, the oldest first."""
        return self._read(sa.select(REPAIRS).order_by(REPAIRS.c.sequence))

    def newest(self, n: int) -> tuple[Repair, ...]:
        """Return the n newest, newest first."""
        return self._read(sa.select(REPAIRS).order_by(REPAIRS.c.sequence.desc()).limit(n))

    def end(self, repair: Repair, state: State, now: datetime, detail: str = "") -> None:
        """Note what became of one; the row as it was corrected is kept no longer.

        Args:
            repair: The repair or dismissal.
            state: What became of it.
            now: When.
            detail: Why it was refused; it names no user.
        """
        ended = {"state": state, "done_at": now, DETAIL: detail, ROW: None}
        with writing(self._engine) as connection:
            connection.execute(sa.update(REPAIRS).where(REPAIRS.c.sequence == repair.sequence).values(ended))

    def forget(self, sequences: Collection[int]) -> int:
        """Erase some for good, since they name a user, and return how many there were."""
        return erase(self._engine, REPAIRS, REPAIRS.c.sequence.in_([*sequences])) if sequences else 0

    def _put(self, place: Place, was: str | None, by: str, action: str, asked: dict[str, Any]) -> None:
        about = {"seen": hash_row(was), "state": WAITING, "asked_by": by, "asked_at": datetime.now(UTC), DETAIL: ""}
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            connection.execute(sa.delete(REPAIRS).where(_waits_for(place)))
            connection.execute(sa.insert(REPAIRS).values({**place._asdict(), **about, **asked}))
            note_in(connection, by, action, _name(place))

    def _read(self, query: sa.Select[Any]) -> tuple[Repair, ...]:
        with reading(self._engine) as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(_repair(dict(row)) for row in rows)


def hash_row(row: str | None) -> str:
    """Hash a quarantined row, so that what was asked for it is not done to another one that has come to its place."""
    return hashlib.sha256((row or "").encode(errors="surrogatepass")).hexdigest()


def _repair(row: dict[str, Any]) -> Repair:
    place = Place(*(row.pop(name) for name in (TABLE, SOURCE_FILE, SOURCE_ROW)))
    return Repair(place=place, **row)


def _waits_for(place: Place) -> sa.ColumnElement[bool]:
    where = [REPAIRS.c[name] == value for name, value in place._asdict().items()]
    return sa.and_(REPAIRS.c.state == WAITING, *where)


def _name(place: Place) -> str:
    return f"{place.table} {place.source_file} row {place.source_row}"
