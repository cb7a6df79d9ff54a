"""Versions of the files of rules and scenarios: who wrote what, when and why."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from nightschool.errors import Conflict, NotFound
from nightschool.storage.audit import note_in
from nightschool.storage.database import reading, write_one_by_one, writing
from nightschool.storage.operator_tables import RULE_VERSIONS

BY_HAND: Final = "written by hand"


class RuleVersion(NamedTuple):
    """What a file held.

    Attributes:
        sequence: Its number.
        text: Empty where there was no file.
        at: When it was written or, if by hand, first seen.
        who: The name of the key; empty without keys, and for what was written by hand.
    """

    sequence: int
    file: str
    text: str
    at: datetime
    who: str
    why: str


class RuleVersions:
    """The versions that one installation has seen."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def newest(self, file: str, n: int, before: int | None = None) -> tuple[RuleVersion, ...]:
        """Return the n newest versions of a file, newest first.

        Args:
            file: Its name.
            n: How many at most.
            before: Only earlier versions than this one; None: from the newest on.

        Raises:
            Unreachable: The database does not answer.
        """
        with reading(self._engine) as connection:
            return _newest(connection, file, n, before)

    def get(self, file: str, sequence: int) -> RuleVersion:
        """Return a version of a file.

        Raises:
            NotFound: There is none of that number.
            Unreachable: The database does not answer.
        """
        found = self.newest(file, 1, sequence + 1)
        if not found or found[0].sequence != sequence:
            raise NotFound(f"{file} has no such version", seen=str(sequence), do="choose one of its list")
        return found[0]

    def notice(self, file: str, text: str) -> RuleVersion | None:
        """Keep what a file holds as a version, unless it is the newest one; return the newest one.

        Args:
            file: Its name.
            text: What it holds; empty without the file.

        Returns:
            None where there is no version yet, and nothing to keep.

        Raises:
            Unreachable: The database does not answer.
        """
        with reading(self._engine) as connection:
            known = _newest(connection, file, 1)
        if _is_newest(known, text):
            return known[0] if known else None
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            known = _newest(connection, file, 1)
            if _is_newest(known, text):
                return known[0] if known else None
            note_in(connection, "", "file_changed_by_hand", file)
            return _insert(connection, file, text, "", BY_HAND)

    def save(self, version: tuple[str, str], base: int, by: tuple[str, str], write: Callable[[], None]) -> RuleVersion:
        """Write a version of a file; where the file cannot be written, no version is kept.

        Args:
            version: The file's name, and its new text.
            base: The newest version that the writer knew; 0 without any.
            by: The name of the key, and why.
            write: Writes the file.

        Raises:
            Conflict: There is a newer version than that one.
            Unreachable: The database does not answer.
        """
        file, text = version
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            known = _newest(connection, file, 1)
            if (known[0].sequence if known else 0) != base:
                raise Conflict(f"{file} was changed meanwhile", do="look at the change, and save again")
            saved = _insert(connection, file, text, *by)
            note_in(connection, by[0], "file_saved", file, {"version": saved.sequence, "reason": by[1]})
            write()
        return saved


def _newest(connection: sa.Connection, file: str, n: int, before: int | None = None) -> tuple[RuleVersion, ...]:
    query = sa.select(RULE_VERSIONS).where(RULE_VERSIONS.c.file == file)
    if before is not None:
        query = query.where(RULE_VERSIONS.c.sequence < before)
    rows = connection.execute(query.order_by(RULE_VERSIONS.c.sequence.desc()).limit(n))
    return tuple(RuleVersion(**row._asdict()) for row in rows)


def _is_newest(known: tuple[RuleVersion, ...], text: str) -> bool:
    return text == (known[0].text if known else "")


def _insert(connection: sa.Connection, file: str, text: str, who: str, why: str) -> RuleVersion:
    version = RuleVersion(0, file, text, datetime.now(UTC), who, why)
    row = {name: value for name, value in version._asdict().items() if name != "sequence"}
    added: Any = connection.execute(sa.insert(RULE_VERSIONS).values(row)).inserted_primary_key
    return version._replace(sequence=int(added[0]))
