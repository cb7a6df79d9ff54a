from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nightschool.errors import ConfigurationError, Conflict, NotFound
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore
from serving.feedback import AHEAD, Feedback
from serving.schemas import Event
from serving.snapshot import Snapshot
from tests.serving.conftest import Served

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


@pytest.fixture
def process(tmp_path: Path) -> Callable[[], Feedback]:
    """What each server process has: its own connection to the one database."""
    return lambda: Feedback(EventStore(open_database(f"sqlite:///{tmp_path}/events.db")))


def event(item: int | str = 3, what: str = "like", user: int | str = 1, **told: Any) -> Event:
    return Event.model_validate({"user_id": user, "item_id": item, "event": what, **told})


def test_an_event_is_known_once_it_is_taken(snapshot: Snapshot, process: Callable[[], Feedback]) -> None:
    feedback = process()
    assert (feedback.version(1), list(feedback.of(1))) == (0, [])
    (taken,) = feedback.take([event(event_id="a", at=NOW)], snapshot, NOW).events
    assert (taken.event_id, taken.repeated, taken.sequence) == ("a", False, feedback.version(1))
    (kept,) = feedback.of(1)
    assert (kept.user_id, kept.item_id, kept.event, kept.at) == ("1", "3", "like", NOW)
    assert feedback.version(2) == 0


def test_an_event_without_id_or_time_gets_them(snapshot: Snapshot, process: Callable[[], Feedback]) -> None:
    feedback = process()
    one, two = feedback.take([event(), event()], snapshot, NOW).events
    assert one.event_id != two.event_id
    assert all(abs(kept.at - datetime.now(UTC)) < timedelta(minutes=1) for kept in feedback.of(1))


def test_another_process_s_event_is_seen_after_a_refresh(snapshot: Snapshot, process: Callable[[], Feedback]) -> None:
    here, there = process(), process()
    there.take([event(user=1), event(user=2)], snapshot, NOW)
    assert here.version(1) == 0
    here.refresh()
    assert (here.version(1), here.version(2)) == (there.version(1), there.version(2))
    assert list(here.of(2)) == list(there.of(2))
    here.take([event(5, user=1)], snapshot, NOW)
    here.refresh()
    there.refresh()
    assert [kept.item_id for kept in there.of(1)] == ["3", "5"]
    assert there.version(1) == here.version(1)


def test_one_taken_between_two_of_others_hides_neither(snapshot: Snapshot, process: Callable[[], Feedback]) -> None:
    here, there = process(), process()
    there.take([event(user=1)], snapshot, NOW)
    here.take([event(user=2)], snapshot, NOW)
    there.take([event(user=3)], snapshot, NOW)
    here.refresh()
    assert [here.version(user) > 0 for user in (1, 2, 3)] == [True, True, True]


def test_a_process_that_starts_later_knows_all(snapshot: Snapshot, process: Callable[[], Feedback]) -> None:
    process().take([event(user=1)], snapshot, NOW)
    later = process()
    later.refresh()
    assert later.version(1) > 0


def test_the_same_event_twice_counts_once(snapshot: Snapshot, process: Callable[[], Feedback]) -> None:
    feedback = process()
    sent = event(event_id="a", at=NOW)
    first = feedback.take([sent], snapshot, NOW).events[0]
    feedback.take([event(5, event_id="b", at=NOW)], snapshot, NOW)
    version = feedback.version(1)
    again = process().take([sent, sent], snapshot, NOW).events
    assert [(taken.sequence, taken.repeated) for taken in again] == [(first.sequence, True)] * 2
    feedback.take([sent], snapshot, NOW)
    assert feedback.version(1) == version
    assert len(feedback.of(1)) == 2


def test_one_id_for_two_events_is_refused_whole(snapshot: Snapshot, process: Callable[[], Feedback]) -> None:
    feedback = process()
    feedback.take([event(event_id="a", at=NOW)], snapshot, NOW)
    with pytest.raises(Conflict):
        feedback.take([event(9, event_id="c"), event(5, event_id="a", at=NOW)], snapshot, NOW)
    assert [kept.item_id for kept in feedback.of(1)] == ["3"]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (event(999_999), NotFound, "no such item"),
        (event("x"), NotFound, "no such item"),
        (event("003"), NotFound, "no such item"),
        (event(user="x"), NotFound, "no such user"),
        (event(at=NOW.replace(tzinfo=None)), ConfigurationError, "without its zone"),
        (event(at=NOW + AHEAD + timedelta(seconds=1)), ConfigurationError, "in the future"),
    ],
)
def test_what_is_wrong_leaves_nothing_of_the_batch(
    snapshot: Snapshot, process: Callable[[], Feedback], wrong: Event, error: type[Exception], message: str
) -> None:
    feedback = process()
    with pytest.raises(error, match=message):
        feedback.take([event(user=1), wrong], snapshot, NOW)
    feedback.refresh()
    assert feedback.version(1) == 0


def test_a_clock_may_be_a_little_ahead_or_in_another_zone(snapshot: Snapshot, process: Callable[[], Feedback]) -> None:
    feedback = process()
    east = (NOW + AHEAD).astimezone(tz=datetime.fromisoformat("2026-01-01T00:00:00+05:30").tzinfo)
    feedback.take([event("3", user="1", at=east)], snapshot, NOW)
    assert feedback.of("1")[0].at == NOW + AHEAD
    assert feedback.version(1) == feedback.version("1")
