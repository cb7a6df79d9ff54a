"""Ids of lists, and the queue from which they are written down."""

import pytest
import sqlalchemy as sa

from nightschool.errors import NotFound, Unreachable
from nightschool.shown.list_store import ListRow, ListStore
from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from serving import shown_lists
from serving.answers import ListRequest, make_list
from serving.current import Current
from serving.listing import Entry
from serving.rules import Rules
from serving.shown_lists import Origin, ShownLists, list_row, require_list_of
from tests.serving.conftest import Served
from tests.serving.homes import current_of, settings_of
from tests.serving.sent import learner

ORIGIN = Origin("learning", "r")


@pytest.fixture
def entries(served: Served) -> list[Entry]:
    return make_list(served.snapshot, learner(served.snapshot), Rules(), ListRequest(k=3))


class Kept(ListStore):
    """A store that keeps what is written, and may fail to."""

    def __init__(self) -> None:
        super().__init__(sa.create_engine("sqlite://"))
        self.written: list[ListRow] = []
        self.fails = False

    def append(self, rows: object) -> None:
        if self.fails:
            raise Unreachable("the database does not answer", do="wait")
        assert isinstance(rows, list)
        self.written += rows


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def queue(kept: Kept, served: Served) -> ShownLists:
    current = current_of(settings_of(served.home))
    current.refresh()
    return ShownLists(kept, current)


def test_the_same_list_has_one_id_and_any_other_its_own(entries: list[Entry]) -> None:
    first = list_row(ORIGIN, 7, entries)
    assert list_row(ORIGIN, 7, entries)._replace(made_at=first.made_at) == first
    others = [
        list_row(ORIGIN, 8, entries),
        list_row(ORIGIN, None, entries),
        list_row(ORIGIN, 7, entries[:2]),
        list_row(ORIGIN, 7, entries, [1.0, 0.5, 1.0]),
        *(list_row(other, 7, entries) for other in (ORIGIN._replace(release_id="s"), ORIGIN._replace(tuned=True))),
        list_row(ORIGIN._replace(scenario="hero"), 7, entries),
        list_row(ORIGIN._replace(arms=(("try", "b"),)), 7, entries),
        list_row(ORIGIN, 7, [{**entry, "rank": entry["rank"] + 10} for entry in entries]),
    ]
    assert len({first.list_id, *(other.list_id for other in others)}) == 1 + len(others)
    assert (others[-1].first_place, others[-2].arms, first.arms) == (11, '{"try":"b"}', "{}")


def test_a_list_is_queued_once_and_written_by_the_next_flush(
    queue: ShownLists, kept: Kept, entries: list[Entry]
) -> None:
    first, second = list_row(ORIGIN, 7, entries), list_row(ORIGIN._replace(scenario="hero"), 8, entries)
    for row in (first, first, second, list_row(ORIGIN, "half \ud800", entries)):
        queue.note(row)
    assert kept.written == []
    assert queue.scenarios([first.list_id, second.list_id]) == {first.list_id: "", second.list_id: "hero"}
    queue.flush()
    queue.note(first)
    queue.flush()
    assert kept.written == [first, second]


def test_what_cannot_be_written_now_is_written_later(queue: ShownLists, kept: Kept, entries: list[Entry]) -> None:
    rows = [list_row(ORIGIN, user, entries) for user in range(3)]
    queue.note(rows[0])
    kept.fails = True
    with pytest.raises(Unreachable):
        queue.flush()
    for row in rows[1:]:
        queue.note(row)
    kept.fails = False
    queue.flush()
    assert kept.written == rows


def test_where_the_database_stays_away_the_oldest_are_dropped(
    queue: ShownLists, kept: Kept, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_lists, "MOST_WAITING", 5)
    rows = [list_row(ORIGIN, user, entries) for user in range(8)]
    kept.fails = True
    for row in rows:
        queue.note(row)
    with pytest.raises(Unreachable):
        queue.flush()
    kept.fails = False
    queue.flush()
    assert kept.written == rows[3:]
    for row in rows:
        queue.note(row)
    queue.flush()
    assert kept.written == [*rows[3:], *rows[:3]]


def test_lists_of_erased_users_are_not_written(
    queue: ShownLists, kept: Kept, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Current, "erased", lambda _, users: {7} & {*users})
    for user in (7, 8, None):
        queue.note(list_row(ORIGIN, user, entries))
    queue.flush()
    assert [row.user_id for row in kept.written] == ["8", None]


def test_other_workers_lists_are_found_once_they_are_written(own_home: Home, entries: list[Entry]) -> None:
    engine = open_database(settings_of(own_home).events_address)
    current = current_of(settings_of(own_home))
    current.refresh()
    here, there = (ShownLists(ListStore(engine), current) for _ in range(2))
    row = list_row(ORIGIN._replace(scenario="hero"), 7, entries)
    here.note(row)
    assert there.scenarios([row.list_id]) == {}
    here.flush()
    assert there.scenarios([row.list_id, "?"]) == {row.list_id: "hero"}


def test_an_id_must_be_one_of_the_user_s_or_of_a_session_s_lists(served: Served, entries: list[Entry]) -> None:
    origin = Origin(served.snapshot.binding.dataset, "r")
    own, of_session = list_row(origin, 7, entries).list_id, list_row(origin, None, entries).list_id
    for list_id, user in ((own, 7), (own, "7"), (of_session, 7), (of_session, None)):
        require_list_of(list_id, user, served.snapshot)
    for list_id, user in ((own, 8), (own, None), ("x", 7), (own[:-1] + "?", 7), (own.swapcase(), 7)):
        with pytest.raises(NotFound, match="no such list of this user"):
            require_list_of(list_id, user, served.snapshot)
