from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore
from serving.feedback import EARLIEST, NOTHING, SLACK, Feedback
from serving.schemas.events import Event
from serving.shared import Shared
from tests.serving.client import Api

NOW = datetime(2025, 1, 1, tzinfo=UTC)


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


def test_who_reacted_to_an_item_is_known_at_once_in_every_process(reading: Api, store: EventStore) -> None:
    here, there = Feedback(store), Feedback(store)
    here.refresh()
    there.take([event(), event(user_id=2, event="view"), event(user_id=3, event="hide")], reading.snapshot, NOW)
    assert here.reacted(1, [1, 2, 3, 4]) == {"1", "3"}
    (taken,) = store.of_user("3")
    there.undo(taken.event_id, None)
    assert here.reacted(1, [1, 2, 3, 4]) == {"1"}
    assert here.reacted(2, [1, 2, 3, 4]) == set()


SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("at", "sent_at", "happened"),
    [
        (NOW - HOUR, None, NOW - HOUR),
        (EARLIEST, None, EARLIEST),
        (NOW - HOUR, NOW - SLACK, NOW - HOUR),
        (NOW - HOUR, NOW + SLACK, NOW - HOUR),
        (NOW + SECOND, None, NOW),
        (datetime(9999, 12, 30, tzinfo=UTC), None, NOW),
        (NOW + HOUR, NOW + 2 * HOUR, NOW - HOUR),
        (NOW - 50 * HOUR, NOW - 49 * HOUR, NOW - HOUR),
        (NOW - 48 * HOUR, NOW - 49 * HOUR, NOW),
        (EARLIEST - HOUR, EARLIEST, NOW - HOUR),
    ],
    ids=[
        "right",
        "long ago",
        "a little behind",
        "a little ahead",
        "ahead",
        "far ahead",
        "clock ahead",
        "clock behind",
        "after it was sent",
        "clock never set",
    ],
)
def test_a_clock_that_is_off_is_corrected_by_ours(
    reading: Api, store: EventStore, at: datetime, sent_at: datetime | None, happened: datetime
) -> None:
    # Sending it again some seconds later is the same event.
    for now in (NOW, NOW + 3 * SECOND):
        again = None if sent_at is None else sent_at + (now - NOW)
        Feedback(store).take([event(at=at, sent_at=again, event_id="a")], reading.snapshot, now)
    (stored,) = store.of_user("1")
    assert stored.at == happened
    assert (stored.told_at or stored.at) == at


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"at": EARLIEST - SECOND}, "before 1970"),
        ({"at": datetime.min.replace(tzinfo=UTC)}, "before 1970"),
        ({"at": EARLIEST, "sent_at": datetime.max.replace(tzinfo=UTC)}, "before 1970"),
        ({"at": datetime.max.replace(tzinfo=UTC)}, "out of range"),
        ({"at": datetime(2026, 1, 1)}, "has no zone"),
        ({"at": NOW, "sent_at": datetime(2026, 1, 1)}, "has no zone"),
    ],
)
def test_times_that_cannot_be_are_told(reading: Api, store: EventStore, told: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Feedback(store).take([event(), event(**told)], reading.snapshot, NOW)
    assert store.newest() == 0


@pytest.mark.parametrize("fault", [{"item_id": 987_654}, {"item_id": "x"}, {"user_id": "x"}])
def test_ids_that_nobody_has_are_told(reading: Api, store: EventStore, fault: dict[str, Any]) -> None:
    with pytest.raises(NotFound, match=r"no such item|User ids in this home are"):
        Feedback(store).take([event(), event(**fault)], reading.snapshot, NOW)
    assert store.newest() == 0
