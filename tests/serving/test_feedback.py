from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore
from serving.feedback import AHEAD, EARLIEST, NOTHING, Feedback
from serving.schemas import Event
from serving.shared import Shared
from tests.serving.client import Api

NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> EventStore:
    return EventStore(open_database(f"sqlite:///{tmp_path / 'events.db'}"))


def event(**told: Any) -> Event:
    return Event.model_validate({"user_id": 1, "item_id": 1, "event": "like", **told})


def test_other_processes_events_are_known_after_a_refresh(reading: Api, store: EventStore) -> None:
    here, there = Feedback(store), Feedback(store)
    here.refresh()
    there.take([event(), event(item_id=2)], reading.snapshot, NOW)
    assert (there.mark(1), here.mark(1), here.reactions(1)) == ((2, 0), NOTHING, ((), ()))
    here.refresh()
    assert (here.mark(1), here.mark("1"), here.mark(2)) == ((2, 0), (2, 0), NOTHING)
    assert [each.item_id for each in here.reactions(1).standing] == ["1", "2"]


def test_workers_of_one_server_know_of_events_without_a_refresh(
    reading: Api, store: EventStore, tmp_path: Path
) -> None:
    here, there = Feedback(store, Shared(tmp_path)), Feedback(store, Shared(tmp_path))
    assert (here.mark(1), there.mark(1)) == (NOTHING, NOTHING)
    there.take([event(), event(user_id=2, event="view")], reading.snapshot, NOW)
    assert (here.mark(1), here.mark(2)) == ((1, 0), NOTHING)
    (taken,) = here.reactions(1).standing
    there.undo(taken.event_id, "1")
    assert here.mark(1) == (1, 1)
    assert here.reactions(1) == ([], [taken])
    assert here.newest(1, 9) == []


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
