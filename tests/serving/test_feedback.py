from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore
from serving.feedback import AHEAD, EARLIEST, Feedback
from serving.schemas import Event
from tests.serving.client import Api

NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> EventStore:
    return EventStore(open_database(f"sqlite:///{tmp_path / 'events.db'}"))


def event(**told: Any) -> Event:
    return Event.model_validate({"user_id": 1, "item_id": 1, "event": "like", **told})


def test_other_processes_events_are_known_after_a_refresh(reading: Api, store: EventStore) -> None:
    here, there = Feedback(store), Feedback(store)
    there.take([event(), event(item_id=2)], reading.snapshot, NOW)
    assert (there.version(1), here.version(1), list(here.of(1))) == (2, 0, [])
    here.refresh()
    assert (here.version(1), here.version("1"), here.version(2)) == (2, 2, 0)
    assert [each.item_id for each in here.of(1)] == ["1", "2"]


@pytest.mark.parametrize("at", [NOW + AHEAD, EARLIEST])
def test_clocks_may_differ_a_little(reading: Api, store: EventStore, at: datetime) -> None:
    Feedback(store).take([event(at=at)], reading.snapshot, NOW)
    assert store.newest() == 1


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (NOW + AHEAD + timedelta(seconds=1), "in the future"),
        (EARLIEST - timedelta(seconds=1), "before 1970"),
        (datetime.min.replace(tzinfo=UTC), "before 1970"),
        (datetime(2026, 1, 1), "without its zone"),
    ],
)
def test_clocks_that_are_wrong_are_told(reading: Api, store: EventStore, at: datetime, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Feedback(store).take([event(), event(at=at)], reading.snapshot, NOW)
    assert store.newest() == 0


@pytest.mark.parametrize("fault", [{"item_id": 987_654}, {"item_id": "x"}, {"user_id": "x"}])
def test_ids_that_nobody_has_are_told(reading: Api, store: EventStore, fault: dict[str, Any]) -> None:
    with pytest.raises(NotFound, match="no such"):
        Feedback(store).take([event(), event(**fault)], reading.snapshot, NOW)
    assert store.newest() == 0
