"""What was shown in vain, from impressions and events in a real database, and what was learned of it."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from nightschool.shown.fatigue import Fatigue
from nightschool.shown.impression_store import Impression, ImpressionStore
from nightschool.shown.list_store import ListRow, ListStore
from nightschool.shown.showings import ShowingStore
from nightschool.storage.events import EventStore, Sent
from tests.shown.given import HOUR, START, a_list, did, seen


@pytest.fixture
def store(database: sa.Engine) -> ShowingStore:
    return ShowingStore(database)


def take(
    database: sa.Engine, lists: Sequence[ListRow], impressions: Sequence[Impression], events: Sequence[Sent] = ()
) -> None:
    ListStore(database).append(lists)
    ImpressionStore(database).append(impressions)
    EventStore(database).append(events)


def test_each_list_that_showed_an_item_counts_once(database: sa.Engine, store: ShowingStore) -> None:
    lists = [a_list("l", ["a", "b"]), a_list("m", ["b", "c"]), a_list("never", ["a"]), a_list("v", ["a"], "v")]
    take(database, lists, [seen("l", 1), seen("l", 2), seen("m", 3), seen("v", 3, user_id="v")])
    assert store.in_vain("u", START) == {"a": 1, "b": 2, "c": 1}
    assert store.in_vain("v", START) == {"a": 1}
    assert store.in_vain("nobody", START) == store.in_vain("\0", START) == {}


def test_only_the_places_that_were_seen_count(database: sa.Engine, store: ShowingStore) -> None:
    lists = [a_list("l", ["a", "b", "c"]), a_list("page", ["d", "e"], first_place=4)]
    take(database, lists, [seen("l", 1, [1, 3]), seen("page", 1, [5, 9, 1])])
    assert store.in_vain("u", START) == {"a": 1, "c": 1, "e": 1}


def test_old_showings_and_those_before_an_event_are_forgotten(database: sa.Engine, store: ShowingStore) -> None:
    lists = [a_list(name, ["a", "b"]) for name in "lmn"]
    take(database, lists, [seen("l", 1), seen("m", 5), seen("n", 9)], [did("b", 6)])
    assert store.in_vain("u", START) == {"a": 3, "b": 1}
    assert store.in_vain("u", START + 4 * HOUR) == {"a": 2, "b": 1}
    EventStore(database).undo("u-b-view-6-None", "u")
    assert store.in_vain("u", START) == {"a": 3, "b": 3}


def test_a_list_seen_before_and_after_an_event_was_shown_before(database: sa.Engine, store: ShowingStore) -> None:
    take(database, [a_list("l", ["a"])], [seen("l", 1), seen("l", 5)], [did("a", 2)])
    assert store.in_vain("u", START) == {}


def test_users_with_new_impressions_are_named(database: sa.Engine, store: ShowingStore) -> None:
    assert store.newest() == 0
    take(database, [a_list("l", ["a"])], [seen("l", 1), seen("l", 2, user_id="v"), seen("l", 3, user_id=None)])
    (first, one), (second, two) = store.seen_since(0)
    assert ((first, second), one < two < store.newest()) == (("u", "v"), True)
    assert [*store.seen_since(one)] == [("v", two)]


def test_what_was_learned_replaces_what_was_learned_before(store: ShowingStore) -> None:
    assert store.learned() is None
    for fatigue in (Fatigue((1.0, 0.5), 28.0, (9, 8)), Fatigue((1.0, 0.25), 28.0, (10, 9))):
        store.keep(fatigue, START)
        assert store.learned() == fatigue
