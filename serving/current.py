"""The release that is served: the current one, opened as a whole before it replaces the last one."""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Final

from nightschool.columns import ERASURES, RELEASES
from nightschool.errors import ConfigurationError, NotFound, Unreachable
from nightschool.settings import HomePaths, Settings
from nightschool.storage.binding import find_binding, get_binding
from nightschool.storage.erasure_log import Erasures
from nightschool.storage.home import Home
from nightschool.storage.lake import UNREADABLE, Lake
from nightschool.storage.release_reader import Reader
from nightschool.storage.releases import Release, Releases
from nightschool.storage.replica import replica_of
from serving.answers import warm_up
from serving.catalogue import Catalogue
from serving.changes import SentChanges
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot

logger = logging.getLogger("nightschool.serving")

_LOOK_SECONDS: Final = 2.0
"""Between two looks into the store."""

Fingerprint = tuple[int | None, int | None, bool]


class Current:
    """The current snapshot; it changes between two requests, never within one.

    Attributes:
        changes: What was said of items and users since the release.
        when_changed: Called once another release is served.
    """

    def __init__(self, settings: Settings, changes: SentChanges) -> None:
        self._paths = settings.paths
        self._replica = replica_of(settings.paths)
        self._next_look = 0.0
        self._cut_off = False
        self.changes = changes
        self._seen: Fingerprint | None = None
        self._snapshot: Snapshot | None = None
        self._shown: Snapshot | None = None
        self._turn = Lock()
        self._erasures: Erasures | None = None
        self.when_changed: Callable[[], object] = lambda: None

    @property
    def snapshot(self) -> Snapshot:
        """Return the release that is served, with what was said of items and users since.

        Raises:
            Unreachable: No release is published yet.
        """
        if (shown := self._shown) is None:
            raise Unreachable("no release is published yet", do="run `nightschool retrain` first")
        return shown

    @property
    def served(self) -> Snapshot | None:
        """Return the release that is served, as it was published, or None."""
        return self._snapshot

    @property
    def catalogue(self) -> Catalogue | None:
        """Return the items that are served; None without a release."""
        return None if (shown := self._shown) is None else shown.catalogue

    @property
    def opened(self) -> bool:
        """Return whether there is a release to serve."""
        return self._shown is not None

    def take_changes(self) -> bool:
        """Read what was said of items and users; return whether it changes what is served.

        Raises:
            Unreachable: The database does not answer.
        """
        with self._turn:
            if self._snapshot is None:
                return False
            before = self._shown
            self._shown = self.changes.refresh(self._snapshot)
            return self._shown is not before

    def lake(self) -> Lake | None:
        """Open the home's tables; None before the first ingest."""
        binding = find_binding(self._paths.binding)
        return None if binding is None else Lake(self._paths.lake, binding.user_dtype, binding.item_dtype)

    def erased(self, user_ids: Iterable[ExternalId]) -> set[ExternalId]:
        """Return which of these users were erased, up to this moment."""
        if self._erasures is None and (lake := self.lake()) is not None:
            self._erasures = Erasures(lake)
        return self._erasures.forgotten(user_ids) if self._erasures else set()

    def require_remembered(self, user_ids: Iterable[ExternalId | None]) -> None:
        """Raise where one of these users was erased; None is nobody.

        Raises:
            NotFound: One was.
        """
        if gone := self.erased({user_id for user_id in user_ids if user_id is not None}):
            raise NotFound("no such user any more", seen=str(min(gone, key=str))[:100], do="send nothing of this user")

    def refresh(self) -> bool:
        """Open the current release if it changed; return whether another one, or an erased one, is served.

        Where a release cannot be opened, the last one, or an earlier one, is served on, and the next call tries again;
        likewise while an erasure rewrites it.

        Raises:
            Unreachable: The current release is missing or damaged.
        """
        self._follow()
        lake = self.lake()
        if lake is None:
            return self._without_any()
        seen = (lake.version(RELEASES), lake.version(ERASURES), self._paths.erasure.exists())
        if seen == self._seen:
            return self._require_files()
        releases = Releases(lake)
        release = releases.current()
        if release is None:
            return self._without_any()
        if self._serves(release, seen):
            self._seen = seen
            return False
        try:
            self._serve(_open(self._paths, lake, release))
        except (*UNREADABLE, NotFound) as error:
            if self._snapshot is None:
                self._serve(self._earlier(lake, releases))
            if self._paths.erasure.exists():
                return False
            # Everybody may read why a server is not ready, but not where its home is.
            seen_error = str(error).replace(str(self._paths.root), "…")
            do = "run `nightschool retrain`, or roll back: nightschool releases rollback"
            raise Unreachable(f"release {release.release_id} cannot be opened", seen=seen_error, do=do) from error
        self._seen = seen
        logger.info("release %s is served", release.release_id)
        self.when_changed()
        return True

    def _follow(self) -> None:
        """Fetch what other machines published, where the home copies a store; a silent one changes nothing."""
        if self._replica is None or monotonic() < self._next_look:
            return
        self._next_look = monotonic() + _LOOK_SECONDS
        try:
            self._replica.follow()
        except (Unreachable, ConfigurationError) as error:
            if not self._cut_off:
                logger.warning("what other machines publish is not seen: %s", error)
            self._cut_off = True
        else:
            self._cut_off = False

    def _serve(self, release: Snapshot | None) -> None:
        """Replace what is served, with the changes laid over it before anybody sees it."""
        with self._turn:
            self._shown = None if release is None else self.changes.over(release)
            self._snapshot = release

    def _without_any(self) -> bool:
        """Return False, as nothing was published.

        Raises:
            Unreachable: A release was served before, so that its tables are missing.
        """
        if self._snapshot is not None:
            do = "put the home's files back where they were"
            raise Unreachable("the tables that name the current release are missing", do=do)
        return False

    def _earlier(self, lake: Lake, releases: Releases) -> Snapshot | None:
        """Open the newest earlier release that can still be opened; None where there is none."""
        for release in reversed(releases.published()):
            with suppress(*UNREADABLE, NotFound):
                return _open(self._paths, lake, release)
        return None

    def _require_files(self) -> bool:
        """Return False, as nothing changed.

        Raises:
            Unreachable: A file of the release is missing or was cut short.
        """
        snapshot = self._snapshot
        for lists in () if snapshot is None else snapshot.mapped:
            missing = lists.missing_bytes()
            if missing:
                # Reading on where a file ended would end this process.
                self._serve(None)
                self._seen = None
            if missing != 0:
                do = "run `nightschool retrain`, or roll back: nightschool releases rollback"
                raise Unreachable(f"{lists.path.name} of the current release is missing or damaged", do=do)
        return False

    def _serves(self, release: Release, seen: Fingerprint) -> bool:
        """Return whether the same row of the same release is served, and no user was erased since."""
        same = self._snapshot is not None and self._snapshot.release.commit_version == release.commit_version
        return same and self._seen is not None and self._seen[1:] == seen[1:]


def _open(paths: HomePaths, lake: Lake, release: Release) -> Snapshot:
    """Open a release, and make lists of it before anybody asks for one."""
    home = Home(paths, get_binding(paths.binding), lake, Releases(lake))
    snapshot = Snapshot.load(Reader(home, release))
    warm_up(snapshot)
    return snapshot
