"""Events of several threads in one transaction: what each gets, and that none waits for a commit of its own."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import sqlalchemy as sa

from nightschool.errors import Conflict, DataRefused, Unreachable
from nightschool.storage.event_groups import GroupCommit
from nightschool.storage.events import Appended, EventStore, Sent


def sent(event_id: str, item_id: str = "i") -> Sent:
    return Sent(event_id, "u", item_id, "like", None)


class Slow(EventStore):
    """A store whose first commit takes until it may go on, and which counts commits."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        self.begun, self.goes_on = Event(), Event()
        self.commits: list[int] = []

    def append_each(self, groups: Sequence[Sequence[Sent]]) -> list[Appended | Conflict]:
        self.commits.append(len(groups))
        self.begun.set()
        assert self.goes_on.wait(20)
        return super().append_each(groups)


@pytest.fixture
def store(database: sa.Engine) -> Slow:
    return Slow(database)


def wait_for(grouped: GroupCommit, n: int) -> None:
    while len(grouped._waiting) < n:
        Event().wait(0.01)


def test_what_comes_while_one_commits_is_stored_together(store: Slow) -> None:
    grouped = GroupCommit(store)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(grouped.append, [sent("first")])
        assert store.begun.wait(20)
        others = [pool.submit(grouped.append, [sent(f"{n}a"), sent(f"{n}b")]) for n in range(8)]
        wait_for(grouped, 8)
        store.goes_on.set()
        assert [again for _, again in first.result(20)] == [False]
        for n, each in enumerate(others):
            assert [(stored.event_id, again) for stored, again in each.result(20)] == [
                (f"{n}a", False),
                (f"{n}b", False),
            ]
    assert store.commits == [1, 8]
    assert store.newest() == 17


def test_a_group_that_cannot_be_stored_fails_alone(store: Slow) -> None:
    grouped = GroupCommit(store)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(grouped.append, [sent("same")])
        assert store.begun.wait(20)
        repeated = pool.submit(grouped.append, [sent("same"), sent("new")])
        wait_for(grouped, 1)
        faulty = pool.submit(grouped.append, [sent("lost"), sent("same", "another")])
        wait_for(grouped, 2)
        twice = pool.submit(grouped.append, [sent("new")])
        wait_for(grouped, 3)
        store.goes_on.set()
        assert [again for _, again in first.result(20)] == [False]
        assert [again for _, again in repeated.result(20)] == [True, False]
        assert [again for _, again in twice.result(20)] == [True]
        with pytest.raises(Conflict, match="same"):
            faulty.result(20)
    assert [event.event_id for event in store.of_user("u")] == ["same", "new"]


def test_a_database_that_does_not_answer_is_told_to_all(store: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> list[Appended | Conflict]:
        raise Unreachable("the database does not answer")

    grouped = GroupCommit(store)
    monkeypatch.setattr(store, "append_each", fail)
    with pytest.raises(Unreachable):
        grouped.append([sent("a")])
    monkeypatch.undo()
    store.goes_on.set()
    assert [again for _, again in grouped.append([sent("a")])] == [False]


def test_text_that_no_database_keeps_stops_nobody_else(store: Slow) -> None:
    with pytest.raises(DataRefused):
        GroupCommit(store).append([sent("\x00")])
    assert store.commits == []
