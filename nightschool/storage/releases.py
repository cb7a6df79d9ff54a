"""The history of releases: the published row of the highest commit version is current; appends are fenced."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import polars as pl

from nightschool.columns import COMMIT_VERSION, RELEASE_TABLES, RELEASES, ROW_COUNTS
from nightschool.errors import Busy, ConfigurationError, Moved, NightschoolError, NotFound
from nightschool.storage.erasure_log import noted
from nightschool.storage.holds import find_hold, refuse_hold
from nightschool.storage.lake import Lake
from nightschool.storage.release import COMPARABLE, STORED, Draft, Release, Status

__all__ = ["Draft", "Release", "Releases", "Status"]

_TRIES = 20

ROLLBACK_HOLDS = True
"""Whether a rollback also holds the next nights, unless it is said otherwise."""


class Releases:
    """The history of a home's releases; every change of it is one fenced commit that holds one row.

    A row records the version of its own commit. That is known beforehand, since a fenced commit either directly follows
    the version that was read or fails.
    """

    def __init__(self, lake: Lake, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.lake = lake
        self.clock = clock

    def version(self) -> int | None:
        """Return the newest commit, which a night remembers as its base; None before the first row."""
        return self.lake.version(RELEASES)

    def history(self) -> list[Release]:
        """Read every row, in commit order."""
        rows = self.lake.scan(RELEASES).sort(COMMIT_VERSION).collect()
        return [Release.from_row(row) for row in rows.iter_rows(named=True)]

    def current(self) -> Release | None:
        """Return the current release, the one that readers see; None before the first publication."""
        return next(reversed(_published(self.history())), None)

    def published(self) -> list[Release]:
        """List every release that ever was current, each once, by its newest row."""
        return list({row.release_id: row for row in _published(self.history())}.values())

    def stored(self) -> list[Release]:
        """Return every release that has tables, or had them before it was pruned: published or backfilled."""
        return list({row.release_id: row for row in _stored(self.history())}.values())

    def get(self, release_id: str) -> Release:
        """Return the newest row of a release.

        Raises:
            NotFound: No row has that id.
        """
        return _newest([release for release in self.history() if release.release_id == release_id], release_id)

    def whole(self, release_id: str) -> Release:
        """Return a published or backfilled release whose tables can still be read.

        Raises:
            NotFound: There is no such release, or its tables were pruned.
        """
        target = _newest([row for row in _stored(self.history()) if row.release_id == release_id], release_id)
        self.require_whole(target)
        return target

    def find_run(self, run_key: str) -> Release | None:
        """Find the row that decided a run: published, backfilled or refused; None while it is undecided."""
        decided = (row for row in reversed(self.history()) if row.status in (*STORED, "refused"))
        return next((row for row in decided if row.run_key == run_key), None)

    def held(self) -> str | None:
        """Return why publishing is on hold; None when it is not."""
        hold = self.holding()
        return hold.reason if hold else None

    def holding(self) -> Release | None:
        """Return the row of the hold that keeps nights from publishing; None without one, or where it has ended."""
        return find_hold(self.history(), self.clock)

    def listing(self) -> list[dict[str, Any]]:
        """List the releases for JSON, one entry each, in the order of their first commits."""
        history = self.history()
        current = next(reversed(_published(history)), None)
        newest = {row.release_id: row for row in history if row.release_id}
        events = {release_id: [row for row in history if row.release_id == release_id] for release_id in newest}
        return [
            {
                "id": row.release_id,
                "status": row.status,
                "current": current is not None and row.release_id == current.release_id,
                "as_of": row.as_of.isoformat(),
                "created_at": events[row.release_id][0].created_at.isoformat(),
                "comparable": row.gates.get(COMPARABLE, True),
                "content_hashes": dict(row.content_hashes),
                "reason": row.reason,
                "history": [
                    {"status": each.status, "at": each.created_at.isoformat(), "reason": each.reason, "by": each.by}
                    for each in events[row.release_id]
                ],
            }
            for row in newest.values()
        ]

    def publish(self, draft: Draft, base_version: int | None) -> Release:
        """Publish a draft: append its row, unless an earlier try did; return the row.

        The release's tables and serving files must be written by now; the tables are synced to the disk before the
        pointer moves.

        Args:
            draft: The release, with its hashes and verdicts.
            base_version: `version()` as the night began.

        Raises:
            Busy: Another release was published since `base_version`.
            GateRefused: Publishing is on hold.
        """
        for table in RELEASE_TABLES:
            self.lake.sync(table)

        def decide(history: list[Release]) -> Draft | Release:
            done = [row for row in _published(history) if row.release_id == draft.release_id]
            if done:
                return _same_run(done[-1], draft)
            refuse_hold(history, self.clock)
            _refuse_moved(history, -1 if base_version is None else base_version)
            return draft

        return self._append("published", decide)

    def backfill(self, draft: Draft) -> Release:
        """Append the row of a release that is stored for an earlier T, once; the current release stays current.

        Its tables and serving files must be written by now, as those of `publish`. Whatever was published since the
        night began does not matter, since the pointer does not move.

        Raises:
            GateRefused: Publishing is on hold.
        """
        for table in RELEASE_TABLES:
            self.lake.sync(table)

        def decide(history: list[Release]) -> Draft | Release:
            done = [row for row in _stored(history) if row.release_id == draft.release_id]
            if done:
                return _same_run(done[-1], draft)
            refuse_hold(history, self.clock)
            return draft

        return self._append("backfilled", decide)

    def refuse(self, draft: Draft) -> Release:
        """Record that a gate refused the release, unless an earlier try did; return the row."""
        return self._append_once("refused", draft)

    def abandon(self, *, release_id: str, run_key: str, as_of: datetime, reason: str) -> Release:
        """Record that an unfinished night will not be finished, unless an earlier try did; return the row."""
        return self._append_once("abandoned", Draft(release_id=release_id, run_key=run_key, as_of=as_of, reason=reason))

    def rollback(self, release_id: str, reason: str, by: str = "") -> Release:
        """Make an earlier release current; return its new row, or the current one when it is current already.

        Args:
            release_id: The earlier release.
            reason: Why, for people.
            by: The name of the key by which it was asked for.

        Raises:
            NotFound: The release was neither published nor backfilled, or its tables were pruned.
        """

        def decide(history: list[Release]) -> Draft | Release:
            target = _newest([row for row in _stored(history) if row.release_id == release_id], release_id)
            if [target] == _published(history)[-1:]:
                return target
            self.require_whole(target)
            return target.draft().model_copy(update={"reason": reason, "by": by})

        return self._append("published", decide)

    def hold(self, reason: str, by: str = "", until: datetime | None = None) -> Release:
        """Keep nights from publishing until `unhold`; return the row.

        Args:
            reason: Why, for people.
            by: The name of the key by which it was asked for.
            until: When the hold ends by itself; None: never.

        Raises:
            ConfigurationError: It would have ended already.
        """
        now = self.clock()
        if until is not None and until <= now:
            raise ConfigurationError("a hold cannot end in the past", seen=until.isoformat(), do="give a later time")
        draft = Draft(release_id="", as_of=now, reason=reason, by=by, until=until)
        return self._append("held", lambda _: draft)

    def unhold(self, reason: str = "", by: str = "") -> Release | None:
        """Let nights publish again; return the row, or None when they were not on hold.

        Args:
            reason: Why, for people.
            by: The name of the key by which it was asked for.
        """
        if self.held() is None:
            return None
        return self._append("unheld", lambda _: Draft(release_id="", as_of=self.clock(), reason=reason, by=by))

    def _append_once(self, status: Status, draft: Draft) -> Release:
        def decide(history: list[Release]) -> Draft | Release:
            done = [row for row in history if row.status == status and row.run_key == draft.run_key]
            return done[-1] if done else draft

        return self._append(status, decide)

    def _append(self, status: Status, decide: Callable[[list[Release]], Draft | Release]) -> Release:
        """Let `decide` choose from the history an existing row, or a new one that is appended right after it.

        Raises:
            Busy: Somebody else committed in between, every time.
        """
        for _ in range(_TRIES):
            if self.lake.replica is not None:
                self.lake.replica.settle()
            base = self.version()
            chosen = decide(self.history())
            if isinstance(chosen, Release):
                return chosen
            place = {"status": status, "created_at": self.clock(), COMMIT_VERSION: 0 if base is None else base + 1}
            release = Release.model_validate({**chosen.model_dump(), **place})
            frame = pl.DataFrame([release.to_row()], schema=self.lake.schema(RELEASES))
            with suppress(Moved):
                self.lake.append_after(RELEASES, frame, base)
                self.lake.sync(RELEASES)
                return release
        raise Busy(f"the releases table changed {_TRIES} times while a row was to be appended", do="try again")

    def require_whole(self, release: Release) -> None:
        """Check that each table has as many rows as were published, or as an erasure has left.

        Raises:
            NotFound: The release was pruned, or a table is damaged.
        """
        erased = noted(self.lake, ROW_COUNTS, release.release_id)
        for table in RELEASE_TABLES:
            wanted = release.row_counts.get(table.name, 0)
            found = self.lake.scan(table, release.release_id).select(pl.len()).collect().item()
            if found not in (wanted, *erased.get(table.name, ())):
                raise NotFound(
                    f"table {table.name} of release {release.release_id} is no longer whole: it was pruned or damaged",
                    seen=f"{found} rows of {wanted}",
                    do="choose another: nightschool releases list",
                )

    def pruned(self) -> set[str]:
        """List the ids of the stored releases whose tables are all gone."""
        kept: set[str] = set().union(*(self.lake.releases(table) for table in RELEASE_TABLES))
        return {row.release_id for row in self.stored() if any(row.row_counts.values())} - kept


def _published(history: list[Release]) -> list[Release]:
    return [row for row in history if row.status == "published"]


def _stored(history: list[Release]) -> list[Release]:
    return [row for row in history if row.status in STORED]


def _newest(rows: list[Release], release_id: str) -> Release:
    if not rows:
        raise NotFound("no such release", seen=release_id, do="choose one: nightschool releases list")
    return rows[-1]


def _same_run(done: Release, draft: Draft) -> Release:
    if done.run_key != draft.run_key:
        raise NightschoolError(
            f"release {done.release_id} was {done.status} by run {done.run_key}", seen=draft.run_key, do="report this"
        )
    return done


def _refuse_moved(history: list[Release], base: int) -> None:
    moved = [row for row in _published(history) if row.commit_version > base]
    if moved:
        raise Busy(
            f"release {moved[-1].release_id} was published while the night ran",
            seen=moved[-1].reason or "no reason given",
            do="run the night again",
        )
