"""Days and nights in turn: people are served, choose by the truth and are told of, and the night learns from it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from nightschool.closed_loop.figures import Day
from nightschool.closed_loop.source import SourceFiles
from nightschool.closed_loop.world import Visit, World, day_of
from nightschool.contract import Indices
from nightschool.progress import watch
from nightschool.settings import Settings
from serving.answers import ListRequest
from serving.schemas.events import Event
from serving.schemas.impressions import Impression
from serving.schemas.lists import Recommendations
from serving.service import Service

LENGTH: Final = 10
_WAKING_SECONDS: Final = 14 * 3600
_MOST_AT_ONCE: Final = 500

Night = Callable[[datetime], object]
"""Runs the night of an instant."""


def play(files: SourceFiles, settings: Settings, night: Night, *, nights: int, visits: int, seed: int) -> Iterator[Day]:
    """Play as many days as nights, and yield each; the first night comes before the first day.

    Args:
        files: The platform; new content comes in on its days.
        settings: Of the home that the nights publish into.
        night: Runs a night; called at the end of each day.
        nights: How many days, each with its night.
        visits: People who come on a day.
        seed: Of all that people do.
    """
    world, clock = files.world, _Clock(day_of(files.world.truth, 1))
    night(clock.now)
    service = Service(settings)
    service.lists.clock = lambda: clock.now
    for number in range(1, nights + 1):
        files.arrive(number)
        yield _Day(world, service, clock, number, np.random.default_rng([seed, number])).play(visits)
        if number < nights:
            night(day_of(world.truth, number + 1))
            service.refresh()


@dataclass
class _Clock:
    """The time of the simulated world."""

    now: datetime


class _Day:
    """One day, as it is played."""

    def __init__(self, world: World, service: Service, clock: _Clock, number: int, rng: np.random.Generator) -> None:
        self._world = world
        self._service = service
        self._clock = clock
        self._number = number
        self._rng = rng
        self._begins = day_of(world.truth, number)
        n_items = len(world.truth.popularity)
        self._opened, self._shown, self._looked = (np.zeros(n_items, dtype=np.int64) for _ in range(3))
        catalogue = service.current.catalogue
        self._known = np.isin(np.arange(1, n_items + 1), [] if catalogue is None else catalogue.ids)
        self._events: list[Event] = []
        self._impressions: list[Impression] = []

    def play(self, visits: int) -> Day:
        """Let people come one after the other; the service is told of them in batches."""
        people = self._rng.permutation(self._world.visitors(visits, self._rng))
        expected = best = 0.0
        for place, user in enumerate(watch(people.tolist(), f"day {self._number}", len(people))):
            now = self._begins + timedelta(seconds=_WAKING_SECONDS * (place + 1) / (len(people) + 1))
            self._clock.now = now
            visit = self._visit(user, now)
            expected, best = expected + visit.expected, best + visit.best
        self._tell()
        # The night joins what was seen to the lists that the service has written down.
        self._service.refresh()
        there = self._world.there(self._number)
        return Day(self._number, len(people), expected, best, self._opened, self._shown, self._looked, there)

    def _visit(self, user: int, now: datetime) -> Visit:
        appeal = self._world.appeal(user, self._number, now)
        served = self._service.recommend(user + 1, ListRequest(LENGTH))
        shown = np.array([int(item.item_id) - 1 for item in served.items], dtype=np.int32)
        visit = self._world.visit(user, shown, appeal, self._rng)
        self._shown[shown] += 1
        self._looked[shown[visit.looked]] += 1
        self._opened[shown[visit.opened]] += 1
        self._note(user, now, served, shown, visit)
        # The service knows nothing of what came in since the last night.
        found = self._world.elsewhere(user, appeal * self._known * ~self._world.done[user], self._rng)
        if found is not None:
            self._note_event(user, found, "complete", now + timedelta(minutes=20))
        return visit

    def _note(self, user: int, now: datetime, served: Recommendations, shown: Indices, visit: Visit) -> None:
        looked = (np.flatnonzero(visit.looked) + 1).tolist()
        if looked and served.list_id is not None:
            seen = Impression(list_id=served.list_id, user_id=user + 1, places=looked, at=now)
            self._impressions.append(seen)
        for kind, chosen in (("view", visit.opened), ("complete", visit.completed), ("like", visit.liked)):
            for item in shown[chosen].tolist():
                self._note_event(user, item, kind, now + timedelta(minutes=1), served.list_id)

    def _note_event(self, user: int, item: int, kind: str, at: datetime, list_id: str | None = None) -> None:
        self._events.append(
            Event.model_validate(
                {"user_id": user + 1, "item_id": item + 1, "event": kind, "at": at, "list_id": list_id}
            )
        )
        if len(self._events) >= _MOST_AT_ONCE:
            self._tell()

    def _tell(self) -> None:
        """Send what is noted to the service."""
        if self._impressions:
            self._service.take_impressions(self._impressions)
        if self._events:
            self._service.take_events(self._events)
        self._impressions, self._events = [], []
