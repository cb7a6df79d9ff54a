"""Days that are played against a service, which is told of what people did."""

from types import SimpleNamespace
from typing import Any

import pytest

from nightschool.closed_loop import play as played
from nightschool.closed_loop.source import SourceFiles
from nightschool.closed_loop.world import day_of
from nightschool.settings import Settings
from nightschool.simulator.config import SimulatorConfig

CONFIG = SimulatorConfig(users=120, items=50, interactions=2_000)


class Recorder:
    """A service that shows everybody the same ten items, and keeps what it is told."""

    def __init__(self, _settings: Settings) -> None:
        self.lists = SimpleNamespace(clock=None)
        self.current = SimpleNamespace(catalogue=SimpleNamespace(ids=[*range(1, 31)]))
        self.items = [SimpleNamespace(item_id=item) for item in range(1, 11)]
        self.asked: list[tuple[int, Any]] = []
        self.events: list[Any] = []
        self.impressions: list[Any] = []
        self.refreshed = 0

    def recommend(self, user_id: int, asked: Any) -> Any:
        self.asked.append((user_id, self.lists.clock()))
        return SimpleNamespace(items=self.items[: asked.k], list_id=f"list of {user_id}")

    def take_events(self, events: Any) -> None:
        self.events += events

    def take_impressions(self, impressions: Any) -> None:
        self.impressions += impressions

    def refresh(self) -> None:
        self.refreshed += 1


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Two days of thirty visits: the days, the service and the instants of the nights."""
    services, instants = [], []
    monkeypatch.setattr(played, "Service", lambda settings: services.append(Recorder(settings)) or services[-1])
    files = SourceFiles(tmp_path, CONFIG, new_items=0.2, days=2)
    days = [*played.play(files, Settings(), instants.append, nights=2, visits=30, seed=4)]
    return SimpleNamespace(days=days, service=services[0], instants=instants, world=files.world)


def test_each_day_follows_its_night(run):
    assert run.instants == [day_of(run.world.truth, 1), day_of(run.world.truth, 2)]
    assert [day.number for day in run.days] == [1, 2]
    assert [day.lists for day in run.days] == [30, 30]
    assert run.service.refreshed >= 2


def test_the_service_s_clock_is_the_world_s(run):
    times = [at for _, at in run.service.asked]
    assert times == sorted(times)
    assert day_of(run.world.truth, 1) < times[0] < times[29] < day_of(run.world.truth, 2) < times[30]


def test_what_was_looked_at_is_told_with_the_list(run):
    places = sum(len(impression.places) for impression in run.service.impressions)
    assert places == sum(int(day.looked.sum()) for day in run.days)
    assert all(each.list_id == f"list of {each.user_id}" for each in run.service.impressions)


def test_what_was_opened_is_told_as_views_of_the_list_and_of_what_the_service_knows(run):
    views = [event for event in run.service.events if event.event == "view"]
    assert len(views) == sum(int(day.opened.sum()) for day in run.days)
    assert all(event.list_id == f"list of {event.user_id}" for event in views)
    elsewhere = [event for event in run.service.events if event.list_id is None]
    assert elsewhere
    assert {event.item_id for event in elsewhere} <= {*range(1, 31)}
