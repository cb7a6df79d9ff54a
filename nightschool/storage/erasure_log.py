"""Erasures of users: salted tombstones, and the releases' hashes and row counts after each erasure."""

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import AwareDatetime, BaseModel, ConfigDict

from nightschool.columns import CONTENT_HASHES, ERASED_AT, ERASURES, ROW_COUNTS, USER_HASH
from nightschool.errors import NightschoolError
from nightschool.storage.durable import atomic_write_bytes, atomic_write_text, sync
from nightschool.storage.lake import Lake

UserId = int | str
_SALT_BYTES = 32


class Erasure(BaseModel):
    """One person on the way out.

    Attributes:
        user_id: The user's id. It is kept until the erasure has ended, so that an interrupted one can be finished.
        erased_at: When it began.
        removed: Table name to the rows that name the person, those of all releases together.
        content_hashes: Release to table name to the hash of its rows without the person. A table that was not what its
            release published is not in it: an erasure must not declare it sound.
        row_counts: Release to table name to how many rows that leaves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_id: UserId
    erased_at: AwareDatetime
    removed: Mapping[str, int]
    content_hashes: Mapping[str, Mapping[str, str]]
    row_counts: Mapping[str, Mapping[str, int]]


def begin(path: Path, erasure: Erasure) -> None:
    """Record that the erasure has begun, so that it is finished even if this process is killed."""
    atomic_write_text(path, erasure.model_dump_json(indent=2))


def unfinished(path: Path) -> Erasure | None:
    """Read the erasure that has begun and not ended; None without one."""
    return Erasure.model_validate_json(path.read_bytes()) if path.exists() else None


def end(path: Path) -> None:
    """Delete the record of the erasure, the last place that names the user."""
    for draft in path.parent.glob(f".{path.name}.*.tmp"):
        draft.unlink()
    path.unlink()
    sync(path.parent)


class Erasures:
    """The tombstones of a home: salted hashes of the ids of people who must not come in again.

    The salt is random and lies next to the tables. It keeps the table from being looked up in a list of hashed ids;
    whoever has the salt too can try every id there is, since there are never many.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._salt = lake.root / "_salt"
        self._read: tuple[int | None, frozenset[str]] | None = None

    def note(self, erasure: Erasure) -> None:
        """Append the tombstone, unless an earlier try of the same erasure did."""
        if not self._salt.exists() and not self._rows().height:
            atomic_write_bytes(self._salt, secrets.token_bytes(_SALT_BYTES))
        row = {
            USER_HASH: self._hash(erasure.user_id),
            ERASED_AT: erasure.erased_at,
            CONTENT_HASHES: json.dumps(erasure.content_hashes),
            ROW_COUNTS: json.dumps(erasure.row_counts),
        }
        frame = pl.DataFrame([row], schema=self._lake.schema(ERASURES))
        key = list(ERASURES.key)
        if self._rows().join(frame, on=key, how="semi").is_empty():
            self._lake.append(ERASURES, frame)
            self._lake.sync(ERASURES)

    def after_all(self, now: datetime) -> datetime:
        """Return the instant for the next erasure: the clock, but later than every earlier erasure."""
        latest = self._rows()[ERASED_AT].max()
        return max(now, latest + timedelta(microseconds=1)) if isinstance(latest, datetime) else now

    def forgotten_at(self, user_id: UserId) -> datetime | None:
        """Return when the user was last erased; None for everybody else."""
        rows = self._rows()
        if rows.is_empty():
            return None
        newest = rows.filter(pl.col(USER_HASH) == self._hash(user_id))[ERASED_AT].max()
        return newest if isinstance(newest, datetime) else None

    def forgotten(self, user_ids: Iterable[UserId]) -> set[UserId]:
        """Return which of these users were erased; the table is read once, and again only after it changed."""
        log = self._lake.root / ERASURES.name / "_delta_log"
        stamp = log.stat().st_mtime_ns if log.exists() else None
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, frozenset(self._rows()[USER_HASH])
        tombstones = self._read[1]
        return {user_id for user_id in user_ids if tombstones and self._hash(user_id) in tombstones}

    def mask(self, ids: pl.Series) -> pl.Series:
        """Return which ids belong to erased users, bool [n]; False for nulls.

        Without erasures it costs almost nothing, otherwise one hash for each distinct id.
        """
        tombstones = set(self._rows()[USER_HASH])
        if not tombstones:
            return pl.repeat(value=False, n=len(ids), eager=True)
        gone = [user_id for user_id in ids.drop_nulls().unique() if self._hash(user_id) in tombstones]
        return ids.is_in(pl.Series(gone, dtype=ids.dtype).implode()).fill_null(value=False)

    def _rows(self) -> pl.DataFrame:
        return self._lake.scan(ERASURES).collect()

    def _hash(self, user_id: UserId) -> str:
        return blake2b(str(user_id).encode(), key=self._key, digest_size=32).hexdigest()

    @property
    def _key(self) -> bytes:
        if not self._salt.exists():
            raise NightschoolError(
                f"{self._salt} is gone: the users whom this home erased cannot be recognized",
                do="restore the file from a backup",
            )
        return self._salt.read_bytes()


def noted(lake: Lake, column: str, release_id: str) -> dict[str, list[Any]]:
    """Read what each erasure noted of a release: table name to content hashes or row counts, the newest last."""
    found: dict[str, list[Any]] = {}
    for note in lake.scan(ERASURES).sort(ERASED_AT).select(column).collect()[column]:
        for table, value in json.loads(note).get(release_id, {}).items():
            found.setdefault(table, []).append(value)
    return found
