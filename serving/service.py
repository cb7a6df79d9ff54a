"""The service behind API and page: lists, similar items and users, histories, events, releases."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from nightschool.errors import NotFound
from nightschool.experiments.allocation import Allocations
from nightschool.experiments.store import Experiments
from nightschool.settings import Settings
from nightschool.shown.impression_store import ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.shown.showings import ShowingStore
from nightschool.storage.database import connect_database, make_tables
from nightschool.storage.events import EventStore
from nightschool.storage.keys import Keys
from nightschool.webhook import ReleaseWebhook
from serving.answers import ListRequest
from serving.changes import SentChanges
from serving.current import Current
from serving.experiment_assignment import RunningExperiments
from serving.fatigue import Tiredness
from serving.feedback import Feedback
from serving.histories import history
from serving.impressions import Impressions
from serving.keyring import Keyring
from serving.list_maker import ListMaker
from serving.listing import allowed_items
from serving.neighbours import similar_users
from serving.next_items import study_next
from serving.operating import Operating
from serving.paths import learning_path
from serving.policy import Policy
from serving.schemas.common import ExternalId
from serving.schemas.events import Event, EventsTaken, EventUndone
from serving.schemas.impressions import Impression, ImpressionsTaken
from serving.schemas.lists import HistoryEntry, Recommendations
from serving.schemas.paths import LearningPath
from serving.schemas.similar import Method, NextItems, SimilarUsers
from serving.shared import Shared
from serving.shown_lists import ShownLists
from serving.snapshot import Snapshot
from serving.upkeep import Upkeep
from serving.user_state import UserState

RELEASE, STORE, EVENTS, RULES, CHANGES = "the release", "the database", "the events", "the rules", "the changes"
"""The names of the upkeep steps that answers depend on."""

LISTS: Final = "the lists that were sent"
"""The name of the upkeep step that writes lists down."""

PATIENCE_SECONDS: Final = 2.0
"""How long a request waits for a database server before it is answered with 503."""


class Service:
    """Lists, neighbours and histories from the current release and the events since.

    Attributes:
        current: The current release, with the changes since.
        feedback: The events.
        experiments: The running experiments.
        policy: Rules and scenarios.
        lists: Makes and caches lists.
        shown: The lists that left, until they are written down.
        impressions: What clients say was shown.
        tiredness: What remains of items that were shown in vain.
        operating: What the operator does.
        keyring: The API keys.
        shared: Memory that the workers of this server share.
        upkeep: The threads that keep all of it current.
    """

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        """Open release, database and rules; the upkeep tries again what cannot be opened now.

        Args:
            settings: The settings, which name the home.
            folder: The folder that the workers of one server share; None for a single worker.
        """
        self.settings = settings
        engine = connect_database(settings.events_address, PATIENCE_SECONDS)
        self.shared = Shared(folder)
        self.keyring = Keyring(Keys(engine))
        self.feedback = Feedback(EventStore(engine), self.shared)
        self.experiments = RunningExperiments(Experiments(engine), Allocations(engine))
        self.current = Current(settings, SentChanges(engine))
        self.policy = Policy(settings.paths)
        self.shown = ShownLists(ListStore(engine), self.current)
        self.impressions = Impressions(ImpressionStore(engine), self.shown)
        self.tiredness = Tiredness(ShowingStore(engine), self.shared)
        self.lists = ListMaker(self.current, self.feedback, self.policy, self.experiments, self.shown, self.tiredness)
        self.operating = Operating(engine, settings.paths, self.policy, self.lists.clear)
        self._webhook = ReleaseWebhook(settings)
        self._has_tables = False
        steps: dict[str, Callable[[], None]] = {
            STORE: partial(self._make_tables, engine),
            "the keys": self.keyring.refresh,
            RELEASE: self._take_release,
            CHANGES: self.take_changes,
            RULES: self._take_rules,
            EVENTS: self.feedback.refresh,
            **self.operating.steps,
            "the experiments": self._take_experiment,
            LISTS: self.shown.flush,
            "showings": self._take_showings,
        }
        self.upkeep = Upkeep({**steps, "the webhook's answer": self._tell_of_release})
        for name in steps:
            self.upkeep.attempt(name)

    def refresh(self) -> None:
        """Take every upkeep step once; raise the first error."""
        self.upkeep.refresh()

    @property
    def troubles(self) -> list[str]:
        """Return why answers may be out of date, one sentence a cause."""
        troubles = self.upkeep.troubles.copy()
        return [f"{name}: {troubles[name]}" for name in (RELEASE, STORE, EVENTS, CHANGES) if name in troubles]

    @property
    def warnings(self) -> list[str]:
        """Return what is wrong with the rules though lists are served."""
        found = self.policy.warnings(self.current.catalogue, is_stale=RULES in self.upkeep.troubles)
        return [f"{RULES}: {each}" for each in found]

    def recommend(self, user_id: ExternalId, asked: ListRequest, *, leaves: bool = True) -> Recommendations:
        """Return a user's list as a record, without its id where it goes to nobody; see `ListMaker.body`."""
        made = Recommendations.model_validate_json(self.lists.body(user_id, asked, leaves=leaves).json)
        return made if leaves else made.model_copy(update={"list_id": None})

    def study_next(self, user_id: ExternalId, k: int) -> NextItems | None:
        """Return what most users took soon after a user's newest liked item; None where that is unknown."""
        snapshot = self.current.snapshot
        state = self.state_of(snapshot, user_id)
        return study_next(snapshot, state, allowed_items(snapshot, state, self.policy.rules), k)

    def state_of(self, snapshot: Snapshot, user_id: ExternalId) -> UserState:
        """Return a user's history, with the events since the release.

        Raises:
            NotFound: The home can have no such user.
            Unreachable: The user's events cannot be read now.
        """
        user = snapshot.require_user_id(user_id)
        return UserState.of(snapshot, user, *self.feedback.reactions(user))

    def similar_users(self, user_id: ExternalId, method: Method, k: int = 10) -> SimilarUsers:
        """Return the k users most similar to a user; empty where no user shares enough.

        Raises:
            NotFound: There is no such user.
        """
        snapshot = self.current.snapshot
        user = snapshot.require_user_id(user_id)
        if not self.knows(snapshot, user):
            raise NotFound("no such user", seen=str(user_id)[:100], do="give a user that the release holds")
        return similar_users(snapshot, user, method, k)

    def history(self, user_id: ExternalId, n: int) -> list[HistoryEntry]:
        """Return a user's n newest items, newest first: events since the release, then what the release knew."""
        snapshot = self.current.snapshot
        return history(snapshot, snapshot.require_user_id(user_id), self.feedback, n)

    def learning_path(self, user_id: ExternalId, goal: str, length: int) -> LearningPath:
        """Plan the steps from what a user has completed, events since the release included, to an item or a skill.

        Raises:
            NotFound: The home can have no such user, or the catalogue has no such goal.
        """
        snapshot = self.current.snapshot
        banned = self.policy.steering.banned
        return learning_path(snapshot, self.state_of(snapshot, user_id), goal, length, banned)

    def knows(self, snapshot: Snapshot, user_id: ExternalId) -> bool:
        """Return whether the release or an event names a user."""
        attributes = snapshot.attributes(user_id)
        return snapshot.knows(user_id) or attributes is not None or bool(self.feedback.newest(user_id, 1))

    def take_events(self, events: Sequence[Event], sent_by: str = "") -> EventsTaken:
        """Store events; return their ids and sequence numbers once they are on the disk.

        Args:
            events: The events as they were sent.
            sent_by: The name of the key; empty without one.

        Raises:
            NotFound: An item is not in the release, or a user was erased; nothing was written.
            ConfigurationError: A time, an id or a context is invalid; nothing was written.
        """
        snapshot = self.current.snapshot
        self.current.require_remembered({snapshot.user_id(event.user_id) for event in events})
        return self.feedback.take(events, snapshot, datetime.now(UTC), sent_by)

    def take_impressions(self, impressions: Sequence[Impression], sent_by: str = "") -> ImpressionsTaken:
        """Store impressions; return their ids and sequence numbers once they are on the disk.

        Args:
            impressions: The impressions as they were sent.
            sent_by: The name of the key; empty without one.

        Raises:
            NotFound: A list is not the user's, or a user was erased; nothing was written.
            ConfigurationError: A time is invalid; nothing was written.
            Conflict: An id names another impression; nothing was written.
        """
        snapshot = self.current.snapshot
        self.current.require_remembered(
            {snapshot.user_id(one.user_id) for one in impressions if one.user_id is not None}
        )
        return self.impressions.take(impressions, snapshot, datetime.now(UTC), sent_by)

    def undo_event(self, event_id: str, user_id: str | None = None, sent_by: str = "") -> EventUndone:
        """Undo an event; return it once that is on the disk.

        Raises:
            NotFound: There is no such event, or it is another user's.
        """
        whose = None if user_id is None else str(self.current.snapshot.require_user_id(user_id))
        event = self.feedback.undo(event_id, whose, sent_by)
        return EventUndone(event_id=event.event_id, user_id=event.user_id, item_id=event.item_id, event=event.event)

    def take_changes(self) -> None:
        """Take in what was said of items and users since the last time, to any worker."""
        if self.current.take_changes():
            self.lists.clear()

    def _make_tables(self, engine: sa.Engine) -> None:
        """Make the tables at first and in trouble: to look for them costs more than all other steps."""
        if not self._has_tables or self.upkeep.troubles:
            make_tables(engine)
            self._has_tables = True

    def _take_release(self) -> None:
        before = self.current.served
        try:
            self.current.refresh()
        finally:
            if self.current.served is not before:
                self.lists.clear()

    def _tell_of_release(self) -> None:
        if (served := self.current.served) is not None:
            self._webhook.tell(served.binding.dataset, served.release)

    def _take_rules(self) -> None:
        if self.policy.refresh(self.current.catalogue):
            self.lists.clear()

    def _take_experiment(self) -> None:
        with_content = self.current.opened and self.current.snapshot.has_content
        if self.experiments.refresh(with_content=with_content, catalogue=self.current.catalogue):
            self.lists.clear()

    def _take_showings(self) -> None:
        if self.tiredness.refresh():
            self.lists.clear()
