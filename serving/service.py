"""The service behind API and page: lists, similar items and users, histories, events, releases."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import orjson

from nightschool.errors import NotFound
from nightschool.experiments.store import Experiments
from nightschool.settings import Settings
from nightschool.storage.database import connect_database, make_tables
from nightschool.storage.events import EventStore
from nightschool.storage.keys import Keys
from nightschool.webhook import ReleaseWebhook
from serving.answers import CacheKey, EncodedList, ListRequest, make_list, warm_up
from serving.cache import Cache
from serving.current import Current
from serving.experiment_assignment import RunningExperiment
from serving.feedback import NOTHING, Feedback
from serving.histories import history
from serving.keyring import Keyring
from serving.listing import allowed_items, warnings_of
from serving.neighbours import similar_users
from serving.next_items import study_next
from serving.operating import Operating
from serving.paths import learning_path
from serving.policy import Policy
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.schemas.events import Event, EventsTaken, EventUndone
from serving.schemas.lists import HistoryEntry, Recommendations
from serving.schemas.paths import LearningPath
from serving.schemas.similar import Method, NextItems, SimilarUsers
from serving.shared import Shared
from serving.snapshot import Snapshot
from serving.telemetry import LISTS_ASKED, LISTS_MADE, SCENARIO_LISTS
from serving.upkeep import Upkeep
from serving.user_state import UserState

RELEASE, STORE, EVENTS, RULES = "the release", "the database", "the events", "the rules"
"""The names of the upkeep steps that answers depend on."""

CACHED_BYTES: Final = 80_000_000
"""Memory of the response cache; a list of ten items takes about 4 kB."""

_LARGEST_KEY: Final = 2_000  # characters of a request that is cached: the bound above counts answers alone
PATIENCE_SECONDS: Final = 2.0
"""How long a request waits for a database server before it is answered with 503."""


class Service:
    """Lists, neighbours and histories from the current release and the events since.

    Attributes:
        current: The current release.
        feedback: The events.
        experiment: The running experiment.
        policy: Rules and scenarios.
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
        self.experiment = RunningExperiment(Experiments(engine))
        self.current = Current(settings)
        self.policy = Policy(settings.paths)
        self.operating = Operating(engine, settings.paths, self.policy, self._forget_answers)
        self._bodies = Cache[EncodedList](CACHED_BYTES)
        self._generation = 0
        self._webhook = ReleaseWebhook(settings)
        steps: dict[str, Callable[[], None]] = {
            STORE: partial(make_tables, engine),
            "the keys": self.keyring.refresh,
            RELEASE: self._take_release,
            RULES: self._take_rules,
            EVENTS: self.feedback.refresh,
            **self.operating.steps,
            "the experiments": self._take_experiment,
            "what experiments showed": self.experiment.flush,
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
        return [f"{name}: {troubles[name]}" for name in (RELEASE, STORE, EVENTS) if name in troubles]

    @property
    def warnings(self) -> list[str]:
        """Return what is wrong with the rules though lists are served."""
        found = self.policy.warnings(self.current.catalogue, is_stale=RULES in self.upkeep.troubles)
        return [f"{RULES}: {each}" for each in found]

    def body(self, user_id: ExternalId, asked: ListRequest, *, seen: bool = True) -> EncodedList:
        """Return a user's encoded list, from the cache if nothing has changed since.

        Args:
            user_id: The user.
            asked: What the request asks.
            seen: Whether the user sees the list now, which an experiment counts.

        Raises:
            NotFound: The home can have no such user.
            Unreachable: No release is published yet, or the user's events cannot be read now.
            ConfigurationError: A parameter of the request does not fit the release.
        """
        LISTS_ASKED.inc()
        question = self._question(user_id, asked)
        if seen and asked.scenario:
            SCENARIO_LISTS.labels(asked.scenario).inc()
        body = self._bodies.get(question)
        if body is None:
            body = self._body(question)
            if asked.size <= _LARGEST_KEY:
                self._bodies.put(question, body)
        if seen and body.exposed is not None:
            self.experiment.expose(body.exposed)
        return body

    def is_quick(self, user_id: ExternalId, asked: ListRequest) -> bool:
        """Return whether the list only needs to be looked up in memory, without waiting for a database."""
        if not self.feedback.known or not self.current.opened:
            return False
        question = self._question(user_id, asked)
        plain = asked.as_published and not asked.shown and not question.asked.context
        known = plain and self.policy.rules.plain and not self.experiment.running and question.mark == NOTHING
        return known or self._bodies.get(question) is not None

    def _question(self, user_id: ExternalId, asked: ListRequest) -> CacheKey:
        """Return the cache key of a request: everything that its answer depends on."""
        user = (snapshot := self.current.snapshot).require_user_id(user_id)
        arm = self.experiment.arm_of(user) if asked.as_published else None
        context, warnings = snapshot.contexts.applied(asked.context, datetime.now(UTC))
        resolved = self.policy.settled(asked)._replace(context=context, warnings=warnings)
        mark, hours = self.feedback.mark(user), snapshot.age_hours
        return CacheKey(snapshot, user, resolved, mark, self._generation, hours, arm)

    def recommend(self, user_id: ExternalId, asked: ListRequest) -> Recommendations:
        """Return a user's list as a record; see `body`."""
        return Recommendations.model_validate_json(self.body(user_id, asked).json)

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
        self.current.require_remembered({event.user_id for event in events})
        return self.feedback.take(events, snapshot, datetime.now(UTC), sent_by)

    def undo_event(self, event_id: str, user_id: str | None = None, sent_by: str = "") -> EventUndone:
        """Undo an event; return it once that is on the disk.

        Raises:
            NotFound: There is no such event, or it is another user's.
        """
        whose = None if user_id is None else str(self.current.snapshot.require_user_id(user_id))
        event = self.feedback.undo(event_id, whose, sent_by)
        return EventUndone(event_id=event.event_id, user_id=event.user_id, item_id=event.item_id, event=event.event)

    def _take_release(self) -> None:
        before = self.current.served
        try:
            self.current.refresh()
        finally:
            if self.current.served is not before:
                self._forget_answers()
            if self.current.served not in (None, before):
                warm_up(self.current.snapshot)

    def _tell_of_release(self) -> None:
        if (served := self.current.served) is not None:
            self._webhook.tell(served.binding.dataset, served.release)

    def _take_rules(self) -> None:
        if self.policy.refresh(self.current.catalogue):
            self._forget_answers()

    def _take_experiment(self) -> None:
        with_content = self.current.opened and self.current.snapshot.has_content
        if self.experiment.refresh(with_content=with_content, catalogue=self.current.catalogue):
            self._forget_answers()

    def _forget_answers(self) -> None:
        """Empty the cache; responses in the making are cached under the old generation, which is not read."""
        self._generation += 1
        self._bodies.clear()

    def _below(self, question: CacheKey, rules: Rules) -> Rules:
        """Return the rules with the items left out that scenarios above this one on the page show to the user."""
        asked = question.asked
        above = [
            self.body(question.user_id, ListRequest(0, context=asked.context, scenario=name), seen=False)
            for name in self.policy.above(asked.scenario)
        ]
        shown = [item["item_id"] for body in above for item in orjson.loads(body.json)["items"]]
        return rules.narrowed({"exclude": shown}) if shown else rules

    def _body(self, question: CacheKey) -> EncodedList:
        LISTS_MADE.inc()
        snapshot, user_id, asked = question.snapshot, question.user_id, question.asked
        did = self.feedback.reactions(user_id) if question.mark != NOTHING else None
        state = UserState.of(snapshot, user_id, *did) if did and any(did) else None
        arm = self.experiment.arm(question.arm)
        base = self.policy.rules_of(asked.scenario)
        rules = self._below(question, asked.changes(arm.rules(base) if arm else base))
        made = make_list(snapshot, state or user_id, rules, asked)
        fields = {
            "known": snapshot.knows(user_id),
            "overlay": state is not None and bool(state.sent),
            "arm": question.arm,
            "scenario": asked.scenario or None,
            "alpha": rules.alpha,
            "context": dict(asked.context),
            "warnings": [*asked.warnings, *warnings_of(snapshot, rules)],
            "release_age_hours": question.hours,
        }
        exposed = None
        if arm and not asked.shown:
            made, exposed = arm.explore(snapshot, state or UserState.of(snapshot, user_id), rules, made)
        fields["next"] = asked.next_page(made)
        return EncodedList.of(snapshot, user_id, fields, asked.numbered(made), exposed)
