"""What is served, to programs and to people alike: lists, neighbours, histories, events, releases."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from nightschool.errors import NotFound
from nightschool.experiments.store import Experiments
from nightschool.settings import Settings
from nightschool.storage.database import connect_database, make_tables
from nightschool.storage.erasure_log import Erasures
from nightschool.storage.events import EventStore
from nightschool.storage.keys import Keys
from nightschool.storage.releases import Release
from serving.answers import CacheKey, EncodedList, ListRequest, make_list, warm_up
from serving.cache import Cache
from serving.current import Current
from serving.experiment_assignment import RunningExperiment
from serving.feedback import NOTHING, Feedback
from serving.histories import history
from serving.keyring import Keyring
from serving.neighbours import similar_items, similar_users
from serving.operations import release_detail, release_entries
from serving.rules import load_rules
from serving.schemas import (
    Event,
    EventsTaken,
    EventUndone,
    ExternalId,
    HistoryEntry,
    Method,
    Recommendations,
    ReleaseDetail,
    ReleaseEntry,
    SimilarItems,
    SimilarUsers,
)
from serving.shared import Shared
from serving.snapshot import Snapshot
from serving.telemetry import LISTS_ASKED, LISTS_MADE
from serving.upkeep import Upkeep
from serving.user_search import FoundUser, search_users
from serving.user_state import UserState

RELEASE, STORE, EVENTS = "the release", "the database", "the events"
"""What is kept current and what answers would be wrong without."""

CACHED_BYTES: Final = 80_000_000
"""Of answers that are kept; one of ten items takes about 4 kB."""

PATIENCE_SECONDS: Final = 2.0
"""How long a request waits for a database that somebody else keeps; then it is told to come again."""


class Service:
    """Everything that is served, over the current release and the events sent since.

    Attributes:
        current: The release.
        feedback: The events.
        trial: The experiment that runs.
        keyring: Who may ask.
        shared: What the workers of this server know together.
        upkeep: What keeps all that current.
    """

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        """Opens what can be opened; the rest is arm again.

        Args:
            settings: Name the home.
            folder: What the workers of one server share; None: there is one.
        """
        self.settings = settings
        engine = connect_database(settings.events_address, PATIENCE_SECONDS)
        self.shared = Shared(folder)
        self.keyring = Keyring(Keys(engine))
        self.feedback = Feedback(EventStore(engine), self.shared)
        self.experiment = RunningExperiment(Experiments(engine))
        self.current = Current(settings)
        self.rules = load_rules(settings.paths.rules)
        self._rules_read = _stamp(settings)
        self._bodies = Cache[EncodedList](CACHED_BYTES)
        self._generation = 0
        self._erasures: Erasures | None = None
        steps: dict[str, Callable[[], None]] = {
            STORE: partial(make_tables, engine),
            "the keys": self.keyring.refresh,
            RELEASE: self._take_release,
            "the rules": self._take_rules,
            EVENTS: self.feedback.refresh,
            "the experiments": self._take_experiment,
            "what experiments showed": self.experiment.flush,
        }
        self.upkeep = Upkeep(steps)
        for name in steps:
            self.upkeep.attempt(name)

    def refresh(self) -> None:
        """Takes over what changed since; raises what could not be read now."""
        self.upkeep.refresh()

    @property
    def troubles(self) -> list[str]:
        """Why answers may not know all that they should."""
        told = self.upkeep.troubles.copy()
        return [f"{name}: {told[name]}" for name in (RELEASE, STORE, EVENTS) if name in told]

    def body(self, user_id: ExternalId, asked: ListRequest) -> EncodedList:
        """A user's list as it goes out, from the cache where nothing has changed since.

        Raises:
            NotFound: The home can have no such user.
            Unreachable: No release is published yet, or what the user did cannot be read now.
            ConfigurationError: What was asked does not fit the release.
        """
        LISTS_ASKED.inc()
        question = self._question(user_id, asked)
        body = self._bodies.get(question)
        if body is None:
            body = self._body(question)
            self._bodies.put(question, body)
        if body.exposed is not None:
            self.experiment.expose(body.exposed)
        return body

    def is_quick(self, user_id: ExternalId, asked: ListRequest) -> bool:
        """Whether the list needs no more than looking it up, for which nothing waits for a database."""
        if not self.feedback.known or not self.current.opened:
            return False
        if asked.as_published and self.rules.plain and not self.experiment.running:
            snapshot = self.current.snapshot
            if self.feedback.mark(self._user(snapshot, user_id)) == NOTHING:
                return True
        return self._bodies.get(self._question(user_id, asked)) is not None

    def _question(self, user_id: ExternalId, asked: ListRequest) -> CacheKey:
        """All that an answer depends on."""
        snapshot = self.current.snapshot
        user = self._user(snapshot, user_id)
        arm = self.experiment.arm_of(user) if asked.as_published else None
        return CacheKey(
            snapshot, user, asked, self.feedback.mark(user), self._generation, _hours(snapshot.release), arm
        )

    def recommend(self, user_id: ExternalId, asked: ListRequest) -> Recommendations:
        """The same as `body`, to be read by us."""
        return Recommendations.model_validate_json(self.body(user_id, asked).json)

    def similar_items(self, item_id: ExternalId, k: int) -> SimilarItems:
        """The items most like one.

        Raises:
            NotFound: There is no such item.
        """
        return similar_items(self.current.snapshot, item_id, k)

    def similar_users(self, user_id: ExternalId, method: Method) -> SimilarUsers:
        """The users most like one; nobody where nobody shares enough.

        Raises:
            NotFound: There is no such user.
        """
        snapshot = self.current.snapshot
        user = self._user(snapshot, user_id)
        if not self.knows(snapshot, user):
            raise NotFound("no such user", seen=str(user_id)[:100], do="give a user that the release holds")
        return similar_users(snapshot, user, method)

    def history(self, user_id: ExternalId, n: int) -> list[HistoryEntry]:
        """A user's n newest items, newest first: what was sent since, then what the release knew."""
        snapshot = self.current.snapshot
        return history(snapshot, self._user(snapshot, user_id), self.feedback, n)

    def knows(self, snapshot: Snapshot, user_id: ExternalId) -> bool:
        """Whether the release or an event names a user."""
        attributes = snapshot.attributes(user_id)
        return snapshot.knows(user_id) or attributes is not None or bool(self.feedback.newest(user_id, 1))

    def search_users(self, query: str, n: int) -> list[FoundUser]:
        """Up to n users whose id holds the text."""
        return search_users(self.current.snapshot, query, n)

    def has_content(self) -> bool:
        """Whether α has two sides to weigh in the current release."""
        return self.current.snapshot.has_content

    def take_events(self, events: Sequence[Event], sent_by: str = "") -> EventsTaken:
        """What became of the events, once they are on the disk.

        Args:
            events: As they were sent.
            sent_by: The name of the key; empty without one.

        Raises:
            NotFound: An item is not in the release, or somebody was forgotten; nothing was written.
            ConfigurationError: A time or id is not right; nothing was written.
        """
        snapshot = self.current.snapshot
        self._require_remembered({event.user_id for event in events}, snapshot)
        return self.feedback.take(events, snapshot, datetime.now(UTC), sent_by)

    def undo_event(self, event_id: str, user_id: str | None = None, sent_by: str = "") -> EventUndone:
        """The event that counts no more, once that is on the disk.

        Raises:
            NotFound: There is no such event, or it is another user's.
        """
        whose = None if user_id is None else str(self._user(self.current.snapshot, user_id))
        event = self.feedback.undo(event_id, whose, sent_by)
        return EventUndone(event_id=event.event_id, user_id=event.user_id, item_id=event.item_id, event=event.event)

    def releases(self) -> list[ReleaseEntry]:
        """Every release, oldest first."""
        lake = self.current.lake()
        return release_entries(lake) if lake else []

    def release(self, release_id: str) -> ReleaseDetail:
        """One release, whole.

        Raises:
            NotFound: There is no such release.
        """
        lake = self.current.lake()
        if lake is None:
            raise NotFound("no such release", seen=release_id[:100], do="run `nightschool retrain` first")
        return release_detail(lake, release_id)

    def _take_release(self) -> None:
        before = self.current.served
        try:
            self.current.refresh()
        finally:
            if self.current.served is not before:
                self._forget_answers()
            if self.current.served not in (None, before):
                warm_up(self.current.snapshot)

    def _take_rules(self) -> None:
        stamp = _stamp(self.settings)
        if stamp != self._rules_read:
            self.rules, self._rules_read = load_rules(self.settings.paths.rules), stamp
            self._forget_answers()

    def _take_experiment(self) -> None:
        if self.experiment.refresh(with_content=self.current.opened and self.has_content()):
            self._forget_answers()

    def _forget_answers(self) -> None:
        """An answer that is being made now is kept under the generation that it was asked in, which nobody asks for."""
        self._generation += 1
        self._bodies.clear()

    def _user(self, snapshot: Snapshot, user_id: ExternalId) -> ExternalId:
        user = snapshot.user_id(user_id)
        if user is None:
            raise NotFound("no such user", seen=str(user_id)[:100], do="ids are whole numbers here")
        return user

    def _require_remembered(self, user_ids: set[ExternalId], snapshot: Snapshot) -> None:
        if self._erasures is None and (lake := self.current.lake()) is not None:
            self._erasures = Erasures(lake)
        known = {user for user_id in user_ids if (user := snapshot.user_id(user_id)) is not None}
        gone = self._erasures.forgotten(known) if self._erasures else set()
        if gone:
            raise NotFound("no such user any more", seen=str(min(gone, key=str))[:100], do="send nothing of this user")

    def _body(self, question: CacheKey) -> EncodedList:
        LISTS_MADE.inc()
        snapshot, user_id, asked = question.snapshot, question.user_id, question.asked
        did = self.feedback.reactions(user_id) if question.mark != NOTHING else None
        state = UserState.of(snapshot, user_id, *did) if did and any(did) else None
        arm = self.experiment.arm(question.arm)
        rules = asked.changes(arm.rules(self.rules) if arm else self.rules)
        made = make_list(snapshot, state or user_id, rules, asked)
        told = {
            "known": snapshot.knows(user_id),
            "overlay": state is not None and bool(state.sent),
            "arm": question.arm,
            "alpha": rules.alpha,
            "release_age_hours": question.hours,
        }
        exposed = None
        if arm:
            made, exposed = arm.explore(snapshot, state or UserState.of(snapshot, user_id), rules, made)
        return EncodedList.of(snapshot, user_id, told, made, exposed)


def _hours(release: Release) -> int:
    """Return the whole hours since the release's T: a list is as old as the data that it knows."""
    return int((datetime.now(UTC) - release.as_of).total_seconds() // 3600)


def _stamp(settings: Settings) -> int | None:
    """When the rules were last written."""
    return settings.paths.rules.stat().st_mtime_ns if settings.paths.rules.exists() else None
