"""Users' lists as responses: made from the release, the events, the rules and the experiments, and cached."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

import orjson

from serving.answers import CacheKey, EncodedList, ListRequest, make_list
from serving.cache import Cache
from serving.current import Current
from serving.experiment_assignment import RunningExperiments
from serving.exploration import explored_list
from serving.fatigue import Tiredness
from serving.feedback import NOTHING, Feedback
from serving.listing import warnings_of
from serving.policy import Policy
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.shown_lists import Origin, ShownLists, list_row
from serving.telemetry import LISTS_ASKED, LISTS_MADE, SCENARIO_LISTS
from serving.user_state import UserState

CACHED_BYTES: Final = 80_000_000
"""Memory of the response cache; a list of ten items takes about 4 kB."""

_LARGEST_KEY: Final = 2_000  # characters of a request that is cached: the bound above counts answers alone


class ListMaker:
    """Makes users' lists, each once until something changes that it depends on.

    Attributes:
        clock: Tells the time by which lists are made; a simulation sets its own.
    """

    def __init__(
        self,
        current: Current,
        feedback: Feedback,
        policy: Policy,
        experiments: RunningExperiments,
        shown: ShownLists,
        tiredness: Tiredness,
    ) -> None:
        self._current = current
        self._feedback = feedback
        self._policy = policy
        self._experiments = experiments
        self._shown = shown
        self._tiredness = tiredness
        self.clock: Callable[[], datetime] = partial(datetime.now, UTC)
        self._bodies = Cache[EncodedList](CACHED_BYTES)
        self._generation = 0

    def body(self, user_id: ExternalId, asked: ListRequest, *, leaves: bool = True) -> EncodedList:
        """Return a user's encoded list, from the cache if nothing has changed since.

        Args:
            user_id: The user.
            asked: What the request asks.
            leaves: Whether the list goes to a client, who may say later that it was shown.

        Raises:
            NotFound: The home can have no such user.
            Unreachable: No release is published yet, or the user's events cannot be read now.
            ConfigurationError: A parameter of the request does not fit the release.
        """
        return self._answer(self._question(user_id, asked), asked, leaves=leaves)

    def quick_body(self, user_id: ExternalId, asked: ListRequest) -> EncodedList | None:
        """Return the list where it only needs to be looked up in memory; None where a database may have to be asked."""
        if not self._feedback.known or not self._current.opened:
            return None
        question = self._question(user_id, asked)
        plain = asked.as_published and not (asked.shown or question.asked.context or question.snapshot.gone)
        known = plain and self._policy.rules.plain and not self._experiments.running and question.mark == NOTHING
        return self._answer(question, asked) if known or self._bodies.get(question) is not None else None

    def clear(self) -> None:
        """Empty the cache; responses in the making are cached under the old generation, which is not read."""
        self._generation += 1
        self._bodies.clear()

    def _answer(self, question: CacheKey, asked: ListRequest, *, leaves: bool = True) -> EncodedList:
        LISTS_ASKED.inc()
        if leaves and asked.scenario:
            SCENARIO_LISTS.labels(asked.scenario).inc()
        body = self._bodies.get(question)
        if body is None:
            body = self._body(question)
            if asked.size <= _LARGEST_KEY:
                self._bodies.put(question, body)
        if leaves:
            self._shown.note(body.row)
        return body

    def _question(self, user_id: ExternalId, asked: ListRequest) -> CacheKey:
        """Return the cache key of a request: everything that its answer depends on."""
        user = (snapshot := self._current.snapshot).require_user_id(user_id)
        now = self.clock()
        arms = () if asked.tuned else self._experiments.arms_of(user, asked.scenario)
        context, warnings = snapshot.contexts.applied(asked.context, now)
        resolved = self._policy.settled(asked)
        if context or warnings or asked.context or asked.warnings:
            resolved = resolved._replace(context=context, warnings=warnings)
        mark, hours, day = self._feedback.mark(user), snapshot.age_hours, now.toordinal()
        showings = self._tiredness.mark(user) if self._policy.tires or self._experiments.tires else 0
        return CacheKey(snapshot, user, resolved, mark, showings, self._generation, hours, day, arms)

    def _below(self, question: CacheKey, rules: Rules) -> Rules:
        """Return the rules with the items left out that scenarios above this one on the page show to the user."""
        asked = question.asked
        above = [
            self.body(question.user_id, ListRequest(0, context=asked.context, scenario=name), leaves=False)
            for name in self._policy.above(asked.scenario)
        ]
        shown = [item["item_id"] for body in above for item in orjson.loads(body.json)["items"]]
        return rules.narrowed({"exclude": shown}) if shown else rules

    def _body(self, question: CacheKey) -> EncodedList:
        LISTS_MADE.inc()
        snapshot, user_id, asked = question.snapshot, question.user_id, question.asked
        now = self.clock()
        did = self._feedback.reactions(user_id) if question.mark != NOTHING else None
        state = UserState.of(snapshot, user_id, *did) if did and any(did) else None
        arms = self._experiments.assigned(question.arms)
        base = self._policy.rules_of(asked.scenario)
        rules = self._below(question, asked.changes(arms.rules(base)))
        if rules.fatigue and (tired := self._tiredness.factors(snapshot, user_id, rules, now)) is not None:
            state = replace(state or UserState.of(snapshot, user_id), tired=tired)
        made = make_list(snapshot, state or user_id, rules, asked)
        chances: Sequence[float] | None = None
        if rules.explore:
            user = state or UserState.of(snapshot, user_id)
            made, chances = explored_list(snapshot, user, rules, asked, made, question.day)
        fields = {
            "user_id": user_id,
            "known": snapshot.knows(user_id),
            "overlay": state is not None and bool(state.sent),
            "arms": dict(question.arms),
            "scenario": asked.scenario or None,
            "alpha": rules.alpha,
            "context": dict(asked.context),
            "warnings": [*asked.warnings, *warnings_of(snapshot, rules)],
            "release_age_hours": question.hours,
        }
        fields["next"] = asked.next_page(made)
        origin = Origin(snapshot.binding.dataset, snapshot.release.release_id, asked.scenario, arms.names, asked.tuned)
        entries = asked.numbered(made)
        return EncodedList.of(snapshot, fields, entries, list_row(origin, user_id, entries, chances, question.day))
