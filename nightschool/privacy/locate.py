"""Locating a user in a home: the rows of its tables that name them, in every release."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from nightschool.columns import (
    DETAIL,
    INTERACTIONS,
    NEIGHBOR_ID,
    QUARANTINE,
    RANK,
    RELEASE_TABLES,
    ROW,
    SHOWN,
    TABLE,
    USER_ID,
    USERS,
    Table,
)
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.readers.parsing import BLANKS, key_paths
from nightschool.errors import NightschoolError
from nightschool.privacy.text_scrubbing import mentions
from nightschool.storage.erasure_log import UserId
from nightschool.storage.lake import UNREADABLE, Lake

SOURCE_TABLES: Final = (USERS, INTERACTIONS, QUARANTINE, SHOWN)
RELEASED_TABLES: Final = tuple(table for table in RELEASE_TABLES if USER_ID in table.columns)
TABLES: Final = (*SOURCE_TABLES, *RELEASED_TABLES)
"""The tables that name users; the others hold sums over many users, or none."""


@dataclass(frozen=True)
class UserRecords:
    """The rows of a home's tables that name one user; the manifest says where a source row has its user."""

    user_id: UserId
    lake: Lake
    manifest: Manifest

    def counts(self) -> dict[str, int]:
        """Count the rows that name the user by table, over all releases together; tables without any are left out.

        Empty for an id that quarantined rows mention, but that is the user of none of them.

        Raises:
            NightschoolError: A table cannot be read.
        """
        found = {table.name: self.count(table) for table in TABLES}
        named = {name: rows for name, rows in found.items() if rows}
        if named.keys() == {QUARANTINE.name} and not self._count_rows(QUARANTINE, self._quarantined_as_user()):
            return {}
        return named

    def count(self, table: Table, release_id: str | None = None) -> int:
        """Count the rows of the table, or of one release of it, that name the user.

        Raises:
            NightschoolError: The table cannot be read.
        """
        return self._count_rows(table, self._named_in(table), release_id)

    def rows(self, table: Table) -> pl.DataFrame:
        """Return the rows of the table that name the user, over all releases together."""
        return self.lake.scan(table).filter(self._named_in(table)).collect()

    def _count_rows(self, table: Table, where: pl.Expr, release_id: str | None = None) -> int:
        rows = self.lake.scan(table, release_id).filter(where)
        try:
            return int(rows.select(pl.len()).collect().item())
        except UNREADABLE as error:
            raise NightschoolError(
                f"table {table.name} cannot be read",
                seen=str(error).splitlines()[0],
                do="restore the home from a backup: no user can be erased from a damaged one",
            ) from error

    def remove(self, table: Table) -> None:
        """Remove the rows of a table without releases that name the user, in one commit."""
        if self.count(table):
            self.lake.overwrite(table, self.lake.scan(table).filter(~self._named_in(table).fill_null(value=False)))

    def remove_from_releases(self, table: Table) -> None:
        """Remove the rows that name the user from every release, in one commit a release."""
        for release_id in sorted(self.lake.releases(table)):
            if self.count(table, release_id):
                rows = self.lake.scan(table, release_id).collect()
                self.lake.replace_release(table, release_id, self.without(table, rows))

    def without(self, table: Table, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of one release that do not name the user; where a neighbour is gone, ranks close up."""
        rest = rows.filter(~self._named_in(table))
        if NEIGHBOR_ID not in table.columns:
            return rest
        places = pl.col(RANK).rank("ordinal").over([name for name in table.key if name != RANK])
        return rest.with_columns(places.cast(pl.Int32).alias(RANK))

    def _named_in(self, table: Table) -> pl.Expr:
        if table is QUARANTINE:
            return self._quarantined_as_user() | self._quarantined()
        theirs = pl.col(USER_ID) == self.user_id
        return theirs | (pl.col(NEIGHBOR_ID) == self.user_id) if NEIGHBOR_ID in table.columns else theirs

    def _quarantined_as_user(self) -> pl.Expr:
        """Return whether a source row has the user's id where it has its user."""
        where = {(INTERACTIONS.name, part.user) for part in self.manifest.interactions}
        where |= {(USERS.name, self.manifest.users.id)} if self.manifest.users else set()
        own = [(pl.col(TABLE) == name) & (self._read(column) == str(self.user_id)) for name, column in sorted(where)]
        return pl.any_horizontal(*own).fill_null(value=False)

    def _read(self, column: str) -> pl.Expr:
        """Return the ids of quarantined source rows as an ingest would read them."""
        text = _field(column).str.strip_chars(BLANKS)
        text = text.str.to_lowercase() if self.manifest.fold_case else text
        return text if isinstance(self.user_id, str) else text.str.replace(r"\.0+$", "")

    def _quarantined(self) -> pl.Expr:
        """Return whether the user's id is anywhere in a row.

        A number counts only in rows that could not be parsed: in others it may be a rating or an item.
        """
        anywhere = mentions(pl.col(ROW), self.user_id) | mentions(pl.col(DETAIL), self.user_id)
        if str(self.user_id).lstrip("-").isdecimal():
            anywhere &= _field("line").is_not_null()
        return anywhere.fill_null(value=False)


def _field(column: str) -> pl.Expr:
    """Return a field of the quarantined source row, as text."""
    return pl.coalesce(pl.col(ROW).str.json_path_match(path) for path in key_paths(column))
