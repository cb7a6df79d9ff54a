"""Reading one release: a user's list, an item's neighbours, whole tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from nightschool.columns import (
    AUDIENCE,
    AUDIENCE_RECOMMENDATIONS,
    AVAILABLE_AT,
    BECAUSE_ITEM_ID,
    HISTORIES,
    INTERACTIONS,
    ITEM_ID,
    ITEMS,
    METHOD,
    NEIGHBOR_ID,
    NEXT_ITEMS,
    RANK,
    REASON,
    RECOMMENDATIONS,
    RELEASE_ID,
    SCORE,
    SHARE,
    SIMILAR_ITEMS,
    SIMILAR_USERS,
    SOURCE,
    SUPPORT,
    TIMESTAMP,
    TITLE,
    UNTIL,
    USER_ID,
    USERS,
    WITHDRAWN,
    Table,
)
from nightschool.data.source_order import SEQUENCE, in_source_order
from nightschool.errors import NotFound
from nightschool.ids import require_id
from nightschool.storage.as_of import scan_at
from nightschool.storage.home import Home
from nightschool.storage.releases import Release
from nightschool.storage.serving_files import ServingFile, lists_path
from nightschool.vocabulary import (
    AUDIENCE_LIST,
    EVERYONE,
    POPULAR,
    POPULAR_IN_AUDIENCE,
    reason_in_words,
)


@dataclass(frozen=True)
class Reader:
    """One release of a home, read with the titles that were known at its T."""

    home: Home
    release: Release

    @classmethod
    def of(cls, home: Home, release_id: str | None = None) -> "Reader":
        """Open the named release, or the current one.

        Raises:
            NotFound: There is no such release, or none yet.
        """
        release = home.releases.whole(release_id) if release_id else home.releases.current()
        if release is None:
            raise NotFound("no release is published yet", do="run `nightschool retrain` first")
        return cls(home, release)

    def table(self, table: Table) -> pl.LazyFrame:
        """Scan a table's rows of this release, without the release's id."""
        rows = self.home.lake.scan(table, self.release.release_id)
        return rows.drop(RELEASE_ID)

    def known(self, table: Table) -> pl.LazyFrame:
        """Scan users, items or interactions as they were known at the release's T."""
        return scan_at(self.home.lake, table, self.release.as_of)

    def newest(self, table: Table) -> pl.DataFrame:
        """Read the newest statement that the release knows of each item or user, whose withdrawal it may be.

        The columns are the id, available_at, withdrawn and, of items, `until` as what describes them says it.
        """
        key = USER_ID if table is USERS else ITEM_ID
        gone = pl.col(WITHDRAWN).fill_null(value=False)
        until = [pl.col(UNTIL).filter(~gone).last()] if table is ITEMS else []
        known = self.home.lake.scan(table).filter(pl.col(AVAILABLE_AT) <= self.release.as_of)
        ordered = known.sort(AVAILABLE_AT, maintain_order=True)
        return ordered.group_by(key).agg(pl.col(AVAILABLE_AT).last(), gone.last().alias(WITHDRAWN), *until).collect()

    def user_list(self, user: str, k: int, audience: str | None) -> list[dict[str, Any]]:
        """Return a user's k best items with titles and reasons; a cold user gets the list of their audience.

        Empty for a user who has seen every item that could be recommended.

        Args:
            user: The external id, as text.
            k: How many items.
            audience: The users' attribute that names the audience; None without one.
        """
        user_id = require_id(user, str(self.home.lake.user_id), "user")
        rows = self.table(RECOMMENDATIONS).filter(pl.col(USER_ID) == user_id, pl.col(RANK) <= k).sort(RANK).collect()
        if rows.is_empty():
            rows = self._audience_list(user_id, k, audience)
        titles = self.titles([*rows[ITEM_ID], *rows[BECAUSE_ITEM_ID].drop_nulls()])
        columns = [RANK, ITEM_ID, SCORE, SOURCE, REASON, BECAUSE_ITEM_ID]
        return [
            {**row, TITLE: titles.get(row[ITEM_ID], ""), "why": explain(row, titles)}
            for row in rows.select(columns).iter_rows(named=True)
        ]

    def knows(self, user: str) -> bool:
        """Return whether a user has a list of their own, an interaction, or a row of the users table."""
        user_id = require_id(user, str(self.home.lake.user_id), "user")
        tables = [self.table(RECOMMENDATIONS), *(self.home.lake.scan(table) for table in (INTERACTIONS, USERS))]
        return any(not rows.filter(pl.col(USER_ID) == user_id).head(1).collect().is_empty() for rows in tables)

    def similar_items(self, item: str, k: int) -> list[dict[str, Any]]:
        """Return an item's nearest neighbours with titles.

        Raises:
            NotFound: The release holds no neighbours of such an item.
        """
        item_id = require_id(item, str(self.home.lake.item_id), "item")
        found = self.table(SIMILAR_ITEMS).filter(pl.col(ITEM_ID) == item_id, pl.col(RANK) <= k).sort(RANK).collect()
        if found.is_empty():
            raise NotFound("no such item in the release", seen=item, do="give an id that the lists of the release hold")
        titles = self.titles(found[NEIGHBOR_ID].to_list())
        return [
            {RANK: row[RANK], ITEM_ID: row[NEIGHBOR_ID], SCORE: row[SCORE], TITLE: titles.get(row[NEIGHBOR_ID], "")}
            for row in found.iter_rows(named=True)
        ]

    def study_next(self, user: str, k: int) -> dict[str, Any] | None:
        """Return the user's newest liked item, and the k unseen items that most users took soon after it, with titles.

        None where there are none: no such history, or a release without an order.
        """
        user_id = require_id(user, str(self.home.lake.user_id), "user")
        file = lists_path(self.home.paths.serving, self.release.release_id, HISTORIES)
        history = (ServingFile(file).columns_of(user_id) if file.exists() else None) or {ITEM_ID: [], SCORE: []}
        liked = [item for item, score in zip(history[ITEM_ID], history[SCORE], strict=True) if score > 0]
        if not liked:
            return None
        newest = liked[0]
        seen = pl.Series(history[ITEM_ID], dtype=self.home.lake.item_id).implode()
        rows = self.table(NEXT_ITEMS).filter(pl.col(ITEM_ID) == newest, ~pl.col(NEIGHBOR_ID).is_in(seen))
        found = rows.sort(RANK).head(k).collect()
        if found.is_empty():
            return None
        titles = self.titles([newest, *found[NEIGHBOR_ID]])
        items = [
            {ITEM_ID: item, TITLE: titles.get(item, ""), SHARE: share, SUPPORT: support}
            for item, share, support in found.select(NEIGHBOR_ID, SHARE, SUPPORT).iter_rows()
        ]
        return {"after": {ITEM_ID: newest, TITLE: titles.get(newest, "")}, "items": items}

    def similar_users(self, user: str, k: int) -> list[dict[str, Any]]:
        """Return the users whose histories are most similar to a user's, with the number of items in common.

        Raises:
            NotFound: The release holds no neighbours of such a user.
        """
        user_id = require_id(user, str(self.home.lake.user_id), "user")
        found = (
            self.table(SIMILAR_USERS).filter(pl.col(USER_ID) == user_id, pl.col(RANK) <= k).sort(METHOD, RANK).collect()
        )
        if found.is_empty():
            raise NotFound(
                "the release holds no similar users of this user", seen=user, do="give a user with a longer history"
            )
        return [
            {METHOD: row[METHOD], RANK: row[RANK], USER_ID: row[NEIGHBOR_ID], SCORE: row[SCORE], SUPPORT: row[SUPPORT]}
            for row in found.iter_rows(named=True)
        ]

    def history(self, user_id: object, n: int) -> list[dict[str, Any]]:
        """Return a user's n newest interactions with titles, newest first."""
        theirs = self.known(INTERACTIONS).filter(pl.col(USER_ID) == user_id)
        ordered = in_source_order(theirs, SEQUENCE, [ITEM_ID, TIMESTAMP])
        newest = ordered.sort(TIMESTAMP, nulls_last=False, maintain_order=True).reverse().head(n)
        titles = self.titles(newest[ITEM_ID].to_list())
        return [
            {ITEM_ID: row[ITEM_ID], TIMESTAMP: row[TIMESTAMP], TITLE: titles.get(row[ITEM_ID], "")}
            for row in newest.iter_rows(named=True)
        ]

    def titles(self, item_ids: list[Any]) -> Mapping[Any, str]:
        """Look up titles: item id to title, for the items that have one."""
        wanted = pl.Series(item_ids, dtype=self.home.lake.item_id).unique()
        named = self.known(ITEMS).filter(pl.col(ITEM_ID).is_in(wanted.implode()))
        found = named.select(ITEM_ID, TITLE).drop_nulls().collect()
        return dict(found.iter_rows())

    def _audience_list(self, user_id: object, k: int, attribute: str | None) -> pl.DataFrame:
        audience = self._audience_of(user_id, attribute)
        lists = self.table(AUDIENCE_RECOMMENDATIONS).sort(RANK).collect()
        own, everyones = (lists.filter(pl.col(AUDIENCE) == name) for name in (audience, EVERYONE))
        chosen, reason = (own, POPULAR_IN_AUDIENCE) if own.height and audience != EVERYONE else (everyones, POPULAR)
        seen = self.home.lake.scan(INTERACTIONS).filter(pl.col(USER_ID) == user_id).select(ITEM_ID).collect()
        unseen = chosen.join(seen, on=ITEM_ID, how="anti", maintain_order="left").head(k)
        nothing = pl.lit(None, dtype=self.home.lake.item_id).alias(BECAUSE_ITEM_ID)
        ranks = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(RANK)
        return unseen.with_columns(ranks, pl.lit(AUDIENCE_LIST).alias(SOURCE), pl.lit(reason).alias(REASON), nothing)

    def _audience_of(self, user_id: object, attribute: str | None) -> str:
        if attribute is None:
            return EVERYONE
        users = self.home.lake.scan(USERS).filter(pl.col(USER_ID) == user_id).sort(AVAILABLE_AT).collect()
        if users.is_empty() or users[WITHDRAWN][-1] or users[attribute][-1] is None:
            return EVERYONE
        return str(users[attribute][-1])


def explain(row: Mapping[str, Any], titles: Mapping[Any, str]) -> str:
    """Return a list entry's reason in words."""
    because = row[BECAUSE_ITEM_ID]
    return reason_in_words(row[REASON], None if because is None else str(titles.get(because) or because), "them")
