"""What is served, to programs and to people alike: lists, neighbours, histories, events, releases."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from nightschool.columns import METHOD, NEIGHBOR_ID, SCORE, SUPPORT
from nightschool.errors import NightschoolError, NotFound
from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.erasures import Erasures
from nightschool.storage.events import EventStore
from nightschool.storage.experiments import Experiments
from nightschool.storage.keys import Keys
from nightschool.storage.lake import UNREADABLE
from nightschool.storage.releases import Release, Releases
from serving.answers import Asked, Body, make_list, warm_up
from serving.current import Current
from serving.feedback import Feedback
from serving.people import FoundUser, search_users
from serving.person import Person
from serving.rules import load_rules
from serving.schemas import (
    Event,
    EventsTaken,
    ExternalId,
    HistoryEntry,
    Method,
    Neighbour,
    Recommendations,
    ReleaseDetail,
    ReleaseEntry,
    SimilarItems,
    SimilarUser,
    SimilarUsers,
)
from serving.snapshot import Snapshot
from serving.telemetry import LISTS_ASKED, LISTS_MADE
from serving.trial import Trial

CACHED_LISTS: Final = 20_000
"""Answers that are kept; one of ten items takes about 4 kB."""


class Service:
    """Everything that is served, over the current release and the events sent since.

    Attributes:
        current: The release.
        feedback: The events.
        trial: The experiment that runs.
        keys: Who may ask.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        engine = open_database(settings.events_address)
        self.keys = Keys(engine)
        self.feedback = Feedback(EventStore(engine))
        self.trial = Trial(Experiments(engine))
        self.current = Current(settings)
        self.rules = load_rules(settings.paths.rules)
        self._rules_read = _stamp(settings)
        self._bodies = lru_cache(CACHED_LISTS)(self._body)
        self.refresh()

    def refresh(self) -> None:
        """Takes over what changed since: the release, the rules, other processes' events, the experiment.

        What cannot be read keeps nothing else back.

        Raises:
            NightschoolError: Something could not be read now; also what damaged files raise.
        """
        steps = (self._take_release, self._take_rules, self.feedback.refresh, self._take_experiment)
        troubles = [trouble for trouble in map(_tried, steps) if trouble is not None]
        if troubles:
            raise troubles[0]

    def body(self, user_id: ExternalId, asked: Asked) -> Body:
        """A user's list as it goes out, from the cache where nothing has changed since.

        Raises:
            NotFound: The home can have no such user.
            Unreachable: No release is published yet.
            ConfigurationError: What was asked does not fit the release.
        """
        snapshot = self.current.snapshot
        user = self._user(snapshot, user_id)
        LISTS_ASKED.inc()
        arm = self.trial.arm_of(user) if asked.as_published else None
        body = self._bodies(snapshot, user, asked, self.feedback.version(user), _hours(snapshot.release), arm)
        if body.exposed is not None:
            self.trial.expose(body.exposed)
        return body

    def is_quick(self, user_id: ExternalId, asked: Asked) -> bool:
        """Whether the list needs no more than looking it up."""
        return asked.as_published and self.rules.plain and not (self.trial.running or self.feedback.version(user_id))

    def recommend(self, user_id: ExternalId, asked: Asked) -> Recommendations:
        """A user's list; one whom the release does not know gets what their events, else their audience, make of it.

        Raises:
            NotFound: The home can have no such user.
            Unreachable: No release is published yet.
            ConfigurationError: What was asked does not fit the release.
        """
        return Recommendations.model_validate_json(self.body(user_id, asked).json)

    def similar_items(self, item_id: ExternalId, k: int) -> SimilarItems:
        """The items most like one.

        Raises:
            NotFound: There is no such item.
        """
        snapshot = self.current.snapshot
        known = snapshot.item_id(item_id)
        if known is None or snapshot.catalogue.position(known) is None:
            raise NotFound("no such item", seen=str(item_id)[:100], do="give an id that the catalogue holds")
        columns = snapshot.similar_items.columns_of(known) or {NEIGHBOR_ID: [], SCORE: []}
        pairs = zip(columns[NEIGHBOR_ID][:k], columns[SCORE][:k], strict=True)
        describe = snapshot.catalogue.describe
        items = [Neighbour(**describe(other), rank=rank, score=score) for rank, (other, score) in enumerate(pairs, 1)]
        return SimilarItems(release_id=snapshot.release.release_id, item=snapshot.catalogue.item(known), items=items)

    def similar_users(self, user_id: ExternalId, method: Method) -> SimilarUsers:
        """The users most like one; nobody where nobody shares enough.

        Raises:
            NotFound: There is no such user.
        """
        snapshot = self.current.snapshot
        user = self._user(snapshot, user_id)
        if not self.knows(snapshot, user):
            raise NotFound("no such user", seen=str(user_id)[:100], do="give a user that the release holds")
        columns = snapshot.similar_users.columns_of(user)
        rows = zip(*(columns[name] for name in (METHOD, NEIGHBOR_ID, SCORE, SUPPORT)), strict=True) if columns else ()
        theirs = [(other, score, support) for told, other, score, support in rows if told == method]
        users = [
            SimilarUser(rank=rank, user_id=other, score=score, support=support)
            for rank, (other, score, support) in enumerate(theirs, start=1)
        ]
        return SimilarUsers(release_id=snapshot.release.release_id, user_id=user, method=method, users=users)

    def history(self, user_id: ExternalId, n: int) -> list[HistoryEntry]:
        """A user's n newest items, newest first: what was sent since, then what the release knew.

        Raises:
            NotFound: The home can have no such user.
            Unreachable: No release is published yet.
        """
        snapshot = self.current.snapshot
        user = self._user(snapshot, user_id)
        events = {event.item_id: event for event in self.feedback.of(user)}
        sent = sorted(events.values(), key=lambda event: event.sequence, reverse=True)
        person = Person.of(snapshot, user, ())
        describe, ids = snapshot.catalogue.describe, snapshot.catalogue.ids
        newest = [
            HistoryEntry(**describe(item_id), at=event.at, event=event.event)
            for event in sent
            if (item_id := snapshot.item_id(event.item_id)) is not None
        ]
        known = [
            HistoryEntry(**describe(ids[place]), at=met.at, score=met.score)
            for place, met in person.published.items()
            if str(ids[place]) not in events
        ]
        return [*newest, *known][:n]

    def knows(self, snapshot: Snapshot, user_id: ExternalId) -> bool:
        """Whether the release or an event names a user."""
        attributes = snapshot.attributes(user_id)
        return snapshot.knows(user_id) or attributes is not None or bool(self.feedback.version(user_id))

    def search_users(self, query: str, n: int) -> list[FoundUser]:
        """Up to n users whose id holds the text."""
        return search_users(self.current.snapshot, query, n)

    def has_content(self) -> bool:
        """Whether α has two sides to weigh in the current release."""
        return self.current.snapshot.has_content

    def take_events(self, events: Sequence[Event]) -> EventsTaken:
        """What became of the events, once they are on the disk.

        Raises:
            NotFound: An item is not in the release, or somebody was forgotten; nothing was written.
            ConfigurationError: A time or id is not right; nothing was written.
        """
        snapshot = self.current.snapshot
        self._require_remembered({event.user_id for event in events}, snapshot)
        return self.feedback.take(events, snapshot, datetime.now(UTC))

    def releases(self) -> list[ReleaseEntry]:
        """Every release, oldest first."""
        lake = self.current.lake()
        listing = Releases(lake).listing() if lake else []
        return [ReleaseEntry.model_validate({name: row[name] for name in ReleaseEntry.model_fields}) for row in listing]

    def release(self, release_id: str) -> ReleaseDetail:
        """One release, whole.

        Raises:
            NotFound: There is no such release.
        """
        lake = self.current.lake()
        if lake is None:
            raise NotFound("no such release", seen=release_id[:100], do="run `nightschool retrain` first")
        row = Releases(lake).get(release_id)
        entry = next(entry for entry in self.releases() if entry.id == release_id)
        told = {name: getattr(row, name) for name in ("recipe", "gates", "row_counts", "content_hashes")}
        return ReleaseDetail.model_validate({**entry.model_dump(), **told})

    def _take_release(self) -> None:
        if self.current.refresh():
            self._bodies.cache_clear()
            warm_up(self.current.snapshot)

    def _take_rules(self) -> None:
        stamp = _stamp(self.settings)
        if stamp != self._rules_read:
            self.rules, self._rules_read = load_rules(self.settings.paths.rules), stamp
            self._bodies.cache_clear()

    def _take_experiment(self) -> None:
        self.trial.flush()
        if self.trial.refresh(with_content=self.current.opened and self.has_content()):
            self._bodies.cache_clear()

    def _user(self, snapshot: Snapshot, user_id: ExternalId) -> ExternalId:
        user = snapshot.user_id(user_id)
        if user is None:
            raise NotFound("no such user", seen=str(user_id)[:100], do="ids are whole numbers here")
        return user

    def _require_remembered(self, user_ids: set[ExternalId], snapshot: Snapshot) -> None:
        lake = self.current.lake()
        for user_id in user_ids:
            known = snapshot.user_id(user_id)
            if lake is not None and known is not None and Erasures(lake).forgotten_at(known) is not None:
                raise NotFound("no such user any more", seen=str(user_id)[:100], do="send nothing of this user")

    def _body(
        self, snapshot: Snapshot, user_id: ExternalId, asked: Asked, version: int, hours: int, arm: str | None
    ) -> Body:
        LISTS_MADE.inc()
        person = Person.of(snapshot, user_id, self.feedback.of(user_id)) if version else None
        tried = self.trial.arm(arm)
        rules = asked.changes(tried.rules(self.rules) if tried else self.rules)
        entries = make_list(snapshot, person or user_id, rules, asked)
        told = {"known": snapshot.knows(user_id), "overlay": person is not None and bool(person.sent), "arm": arm}
        exposed = None
        if tried:
            entries, exposed = tried.explore(snapshot, person or Person.of(snapshot, user_id, ()), rules, entries)
        return Body.of(snapshot, user_id, {**told, "alpha": rules.alpha, "release_age_hours": hours}, entries, exposed)


def _tried(step: Callable[[], None]) -> Exception | None:
    """What a step could not read; None where it could."""
    try:
        step()
    except (NightschoolError, *UNREADABLE) as error:
        return error
    return None


def _hours(release: Release) -> int:
    """Return the whole hours since the release's T: a list is as old as the data that it knows."""
    return int((datetime.now(UTC) - release.as_of).total_seconds() // 3600)


def _stamp(settings: Settings) -> int | None:
    """When the rules were last written."""
    return settings.paths.rules.stat().st_mtime_ns if settings.paths.rules.exists() else None
