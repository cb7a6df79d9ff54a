"""Keys to the API: each is told once, and only its hash is kept."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import sqlalchemy as sa

from nightschool.errors import Conflict, NotFound
from nightschool.storage.database import KEYS, reading, write_one_by_one, writing

Role = Literal["read", "write"]


class Key(NamedTuple):
    """Who has a key, and what for; the key itself is nowhere."""

    name: str
    role: Role
    added_at: datetime


class Keys:
    """The keys of one installation."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, name: str, role: Role) -> str:
        """A new key, which nobody can read again.

        Raises:
            Conflict: A key has that name.
            Unreachable: The database does not answer.
        """
        key = secrets.token_urlsafe(32)
        row = {"name": name, "role": role, "sha256": _hash(key), "added_at": datetime.now(UTC)}
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            if connection.execute(sa.select(KEYS.c.name).where(KEYS.c.name == name)).first():
                raise Conflict("there is a key of that name", seen=name, do="revoke it, or give another name")
            connection.execute(sa.insert(KEYS).values(row))
        return key

    def role_of(self, key: str) -> Role | None:
        """What a key allows, None for one that was not given out; takes as long for each."""
        given = _hash(key)
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(KEYS.c.sha256, KEYS.c.role)).all()
        roles = [role for sha256, role in rows if hmac.compare_digest(sha256, given)]
        return roles[0] if roles else None

    def list(self) -> tuple[Key, ...]:
        """Every key that is valid, by name."""
        query = sa.select(KEYS.c.name, KEYS.c.role, KEYS.c.added_at).order_by(KEYS.c.name)
        with reading(self._engine) as connection:
            return tuple(Key(*row) for row in connection.execute(query))

    def revoke(self, name: str) -> None:
        """Makes the key of that name worth nothing.

        Raises:
            NotFound: No key has that name.
            Unreachable: The database does not answer.
        """
        with writing(self._engine) as connection:
            if not connection.execute(sa.delete(KEYS).where(KEYS.c.name == name)).rowcount:
                raise NotFound("no key has that name", seen=name, do="see `nightschool keys list`")

    def any(self) -> bool:
        """Whether there is a key at all."""
        with reading(self._engine) as connection:
            return connection.execute(sa.select(KEYS.c.name).limit(1)).first() is not None


def _hash(key: str) -> str:
    # A key is 256 random bits: nothing slower than one hash is needed to keep it from being guessed.
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
