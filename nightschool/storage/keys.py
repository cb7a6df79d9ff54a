"""Keys to the API: each is shown once, and only its hash is stored."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa

from nightschool.errors import ConfigurationError, Conflict, NotFound
from nightschool.ids import is_storable
from nightschool.storage.database import reading, write_one_by_one, writing, writing_unsynced
from nightschool.storage.tables import KEYS

Role = Literal["read", "events", "operate"]

ROLES: Final[tuple[Role, ...]] = ("read", "events", "operate")
"""What a key allows; each allows also what those before it do."""

LONGEST_NAME: Final = 100
"""Characters of a key's name."""

_REVOKED: Final = "revoked"
_EARLIER: Final = {"write": "events"}
"""What keys of earlier versions are: `write` was given out for sending events."""

_BROWSERS_PER_SECOND: Final = 10.0


class Key(NamedTuple):
    """The owner and the role of a key; the key itself is not stored.

    Attributes:
        user_id: The one user whose lists it reads and whose events it sends; None: everybody's.
        per_second: Requests that it may send a second; None: any number.
        used_at: About when it was last used, to the minute; None before.
    """

    name: str
    role: Role
    added_at: datetime
    user_id: str | None = None
    per_second: float | None = None
    used_at: datetime | None = None

    def allows(self, role: Role) -> bool:
        """Return whether the key's role includes a role."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Keys:
    """The keys of one installation."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, name: str, role: Role, user_id: str | None = None, per_second: float | None = None) -> str:
        """Create and return a key; it cannot be read again later.

        Args:
            name: Whose it is.
            role: What it allows.
            user_id: The one user that it is for; the key may be given to a browser then.
            per_second: Requests that it may send a second; None: any number, ten where it is for one user.

        Raises:
            Conflict: A key has that name.
            ConfigurationError: It has no name or too long a one, or a key for one user is to operate.
            Unreachable: The database does not answer.
        """
        if not name.strip() or len(name) > LONGEST_NAME:
            do = f"say whose it is, in at most {LONGEST_NAME} characters"
            raise ConfigurationError("a key needs a name", seen=name[:LONGEST_NAME], do=do)
        if user_id is not None and role == "operate":
            raise ConfigurationError("a key for one user cannot operate", seen=user_id, do="use --role read or events")
        if user_id is not None and per_second is None:
            per_second = _BROWSERS_PER_SECOND
        key, now = secrets.token_urlsafe(32), datetime.now(UTC)
        row = {"name": name, "role": role, "sha256": hash_of(key), "added_at": now}
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            if connection.execute(_valid(KEYS.c.name).where(KEYS.c.name == name)).first():
                raise Conflict("there is a key of that name", seen=name, do="revoke it, or give another name")
            connection.execute(sa.delete(KEYS).where(KEYS.c.name == name))
            connection.execute(sa.insert(KEYS).values(row | {"user_id": user_id, "per_second": per_second}))
        return key

    def by_hash(self) -> tuple[dict[str, Key], bool]:
        """Read every valid key by its hash, and whether there ever was a key."""
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(KEYS.c.sha256, *(KEYS.c[name] for name in Key._fields))).all()
        return {sha256: _key(*row) for sha256, *row in rows if row[1] != _REVOKED}, bool(rows)

    def list(self) -> tuple[Key, ...]:
        """List the valid keys by name."""
        return tuple(sorted(self.by_hash()[0].values(), key=lambda key: key.name))

    def revoke(self, name: str) -> None:
        """Revoke the key of that name; that a key existed is remembered.

        Raises:
            NotFound: No key has that name.
            Unreachable: The database does not answer.
        """
        with writing(self._engine) as connection:
            valid = (KEYS.c.name == name) & (KEYS.c.role != _REVOKED)
            nothing = {"role": _REVOKED, "sha256": f"{_REVOKED} {secrets.token_hex(16)}"}
            if not connection.execute(sa.update(KEYS).where(valid).values(nothing)).rowcount:
                raise NotFound("no key has that name", seen=name, do="see `nightschool keys list`")

    def forget(self, user_id: str) -> int:
        """Revoke the keys of a user who is erased, and keep no longer whose they were; return how many there were.

        Raises:
            Unreachable: The database does not answer.
        """
        if not is_storable(user_id):
            return 0
        nothing = {"role": _REVOKED, "sha256": sa.literal(f"{_REVOKED} {secrets.token_hex(16)} ") + KEYS.c.name}
        with writing(self._engine) as connection:
            theirs = sa.update(KEYS).where(KEYS.c.user_id == user_id)
            return connection.execute(theirs.values({**nothing, "user_id": None})).rowcount

    def note_use(self, used: Mapping[str, datetime]) -> None:
        """Store when keys were last used, unless a later use is stored.

        Args:
            used: Name of a key to when it was used.

        Raises:
            Unreachable: The database does not answer.
        """
        with writing_unsynced(self._engine) as connection:
            for name, at in sorted(used.items()):
                earlier = (KEYS.c.name == name) & (KEYS.c.used_at.is_(None) | (KEYS.c.used_at < at))
                connection.execute(sa.update(KEYS).where(earlier).values(used_at=at))

    def any(self) -> bool:
        """Return whether there is a valid key."""
        with reading(self._engine) as connection:
            return connection.execute(_valid(KEYS.c.name).limit(1)).first() is not None


def hash_of(key: str) -> str:
    """Hash a key for storage; SHA-256 in hexadecimal."""
    # A key is 256 random bits: nothing slower than one hash is needed to keep it from being guessed.
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def _valid(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(*columns).where(KEYS.c.role != _REVOKED)


def _key(name: str, role: Any, *rest: Any) -> Key:
    return Key(name, _EARLIER.get(role, role), *rest)
