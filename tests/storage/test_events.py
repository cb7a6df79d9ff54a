import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from nightschool.errors import Conflict, DataRefused, NotFound
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore, Sent, Stored
from nightschool.storage.tables import EVENTS
from tests.cli.forgetting import places_of

AT = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
WRITER = """
import os, sys
from datetime import UTC, datetime
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore, Sent
name, first = sys.argv[1], int(sys.argv[2])
store = EventStore(open_database(os.environ["ADDRESS"]))
at = datetime(2026, 1, 1, tzinfo=UTC)
number = first
while True:
    # Every third call is a batch.
    ids = [f"{name}-{n}" for n in range(number, number + (1, 1, 5)[number % 3])]
    for stored, _ in store.append([Sent(i, name, "item", "like", at) for i in ids]):
        print(stored.event_id, stored.sequence, flush=True)
    number += len(ids)
"""


def sent(
    event_id: str,
    user_id: str = "u",
    item_id: str = "i",
    event: str = "like",
    at: datetime | None = AT,
    context: dict[str, str] | None = None,
) -> Sent:
    return Sent(event_id, user_id, item_id, event, at, context=context)


@pytest.fixture
def store(database: sa.Engine) -> EventStore:
    return EventStore(database)


def count_up_to(store: EventStore, sequence: int) -> int:
    """How many events there are up to a sequence."""
    return store._number(sa.select(sa.func.count()).where(EVENTS.c.sequence <= sequence))


def test_events_are_kept_in_the_order_in_which_they_came(store: EventStore) -> None:
    assert (store.newest(), [*store.reacted_since(0)], store.of_user("u")) == (0, [], [])
    first = store.append([sent("a"), sent("b", user_id="v 学 ' OR 1=1 --"), sent("c", event="hide")])
    assert [(stored.sequence, stored[1:], repeated) for stored, repeated in first] == [
        (1, ("a", "u", "i", "like", AT, None, None, None), False),
        (2, ("b", "v 学 ' OR 1=1 --", "i", "like", AT, None, None, None), False),
        (3, ("c", "u", "i", "hide", AT, None, None, None), False),
    ]
    assert store.of_user("u") == [first[0][0], first[2][0]]
    assert dict(store.reacted_since(0)) == {"u": 3, "v 学 ' OR 1=1 --": 2}
    assert dict(store.reacted_since(2)) == {"u": 3}
    assert (store.newest(), count_up_to(store, 2), count_up_to(store, 0)) == (3, 2, 0)


def test_an_event_that_is_sent_again_counts_once(store: EventStore) -> None:
    ((stored, _),) = store.append([sent("a")])
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))
    again = store.append([sent("b"), sent("a", at=elsewhere), sent("b")])
    assert [repeated for _, repeated in again] == [False, True, True]
    assert again[1][0] == stored
    assert again[0][0] == again[2][0]
    assert [each.event_id for each in store.of_user("u")] == ["a", "b"]
    assert all(repeated for _, repeated in store.append([sent("a"), sent("b")]))


def test_a_corrected_time_is_kept_beside_the_one_that_was_told(store: EventStore) -> None:
    ahead, later = sent("a", at=AT + timedelta(hours=1)), timedelta(seconds=2)
    ((stored, _),) = store.append([ahead._replace(corrected=AT)])
    assert (stored.at, stored.told_at) == (AT, ahead.at)
    # The same event, sent again somewhat later.
    assert store.append([ahead._replace(corrected=AT + later)]) == [(stored, True)]
    assert store.append([ahead]) == [(stored, True)]
    with pytest.raises(Conflict):
        store.append([sent("a")])
    assert store.of_user("u") == [stored]


def test_an_event_without_a_time_happens_now_and_can_be_sent_again(store: EventStore) -> None:
    before = datetime.now(UTC)
    ((stored, _),) = store.append([sent("a", at=None)])
    assert before <= stored.at <= datetime.now(UTC)
    assert store.append([sent("a", at=None)]) == [(stored, True)]


@pytest.mark.parametrize(
    "other",
    [
        sent("a", user_id="other"),
        sent("a", item_id="other"),
        sent("a", event="hide"),
        sent("a", at=AT + timedelta(seconds=1)),
    ],
    ids=["user", "item", "event", "time"],
)
def test_an_id_that_stands_for_another_event_is_refused_with_all_that_came_with_it(
    store: EventStore, other: Sent
) -> None:
    with pytest.raises(Conflict, match="saw 'a'; give each event an id of its own"):
        store.append([sent("a"), other])
    assert store.newest() == 0
    store.append([sent("a")])
    with pytest.raises(Conflict):
        store.append([sent("b"), other])
    assert [each.event_id for each in store.of_user("u")] == ["a"]


@pytest.mark.parametrize("text", ["zero\0byte", "half \ud800"], ids=["zero", "surrogate"])
def test_text_that_no_database_keeps_is_refused(store: EventStore, text: str) -> None:
    for event in (sent(text), sent("a", user_id=text), sent("a", item_id=text), sent("a", event=text)):
        with pytest.raises(DataRefused, match="is no text that can be kept"):
            store.append([sent("b"), event])
    assert store.newest() == 0
    assert store.of_user(text) == []
    assert store.forget(text) == 0


def test_a_thousand_events_are_one_statement(store: EventStore, database: sa.Engine) -> None:
    statements = []
    sa.event.listen(database, "before_cursor_execute", lambda *told: statements.append(told[2].split()[0]))
    events = [sent(f"{n:04}", user_id=f"{n % 7}") for n in range(1000)]
    appended = store.append(events)
    assert [stored.event_id for stored, _ in appended] == [event.event_id for event in events]
    assert [stored.sequence for stored, _ in appended] == [*range(1, 1001)]
    assert statements.count("INSERT") == 1
    assert len(statements) <= 4


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
def test_questions_that_are_asked_all_the_time_look_up_an_index(store: EventStore, database: sa.Engine) -> None:
    asked = []
    sa.event.listen(database, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    store.newest()
    [*store.reacted_since(3)]
    store.reactions_of("u")
    [*store.reacted_since(0)]
    store.reacted_to("i", ["u", "v"])
    with database.connect() as connection:
        plans = [
            " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", parameters))
            for query, parameters in asked
            if query.startswith("SELECT")
        ]
    assert len(plans) == 5
    assert plans[0] == "SEARCH events"
    assert plans[1].startswith("SEARCH events USING INTEGER PRIMARY KEY")
    assert plans[2].startswith("SEARCH events USING INDEX reactions_of_user (user_id=?)")
    assert plans[2].endswith("SEARCH undone USING COVERING INDEX sqlite_autoindex_undone_1 (event_id=?)")
    assert plans[3] == "SCAN events USING COVERING INDEX events_of_user"
    assert plans[4].startswith("SEARCH events USING INDEX reactions_of_user (user_id=?)")


def test_who_reacted_to_an_item_is_who_has_an_event_that_counts(store: EventStore) -> None:
    names = ("like", "complete", "dislike", "hide", "view")
    store.append([sent(name, user_id=name, event=name) for name in names])
    store.append([sent("a", item_id="j"), sent("b", user_id="twice"), sent("c", user_id="twice", event="hide")])
    everybody = ["u", "twice", "nobody", *names]
    assert store.reacted_to("i", everybody) == {"twice", *names[:4]}
    assert (store.reacted_to("i", ["like", "view"]), store.reacted_to("i", [])) == ({"like"}, set())
    store.undo("b", None)
    store.undo("like", None)
    assert store.reacted_to("i", everybody) == {"twice", *names[1:4]}
    store.undo("c", "twice")
    assert "twice" not in store.reacted_to("i", everybody)
    assert (store.reacted_to("j", everybody), store.reacted_to("i", [f"{n}" for n in range(5_000)])) == ({"u"}, set())


def test_a_person_is_forgotten_and_no_sequence_is_given_again(store: EventStore) -> None:
    store.append([sent("a"), sent("b", user_id="v"), sent("c")])
    assert store.forget("u") == 2
    assert (store.of_user("u"), store.forget("u"), store.newest()) == ([], 0, 2)
    ((stored, _),) = store.append([sent("d")])
    assert stored.sequence == 4


def test_a_forgotten_person_is_in_no_byte_of_the_file(tmp_path: Path) -> None:
    store = EventStore(open_database(f"sqlite:///{tmp_path / 'db' / 'events.db'}"))
    for n in range(300):
        store.append([sent(f"x{n}", user_id="learner-0008-zq" if n % 3 else f"other-{n}-zq")])
    assert places_of(tmp_path, "learner-0008-zq") != []
    assert store.forget("learner-0008-zq") == 200
    assert places_of(tmp_path, "learner-0008-zq") == []
    assert places_of(tmp_path, "other-0-zq") != []


def acknowledged(printed: str) -> dict[str, int]:
    """What a killed writer was told to be kept; its last line may be half."""
    return {event_id: int(sequence) for event_id, sequence in (line.split() for line in printed.split("\n")[:-1])}


def first_line(process: subprocess.Popen[str]) -> str:
    """What a writer acknowledges first; it has begun by then."""
    assert process.stdout is not None
    return process.stdout.readline()


def killed_after(seconds: float, address: str, firsts: dict[str, int]) -> dict[str, dict[str, int]]:
    """What writers of these names were told before each was killed."""
    command = (sys.executable, "-c", WRITER)
    environment = {**os.environ, "ADDRESS": address}
    processes = {
        name: subprocess.Popen([*command, name, str(first)], stdout=subprocess.PIPE, text=True, env=environment)
        for name, first in firsts.items()
    }
    firsts_told = {name: first_line(process) for name, process in processes.items()}
    time.sleep(seconds)
    for process in processes.values():
        process.send_signal(signal.SIGKILL)
    told = {name: acknowledged(firsts_told[name] + process.communicate()[0]) for name, process in processes.items()}
    assert {process.returncode for process in processes.values()} == {-signal.SIGKILL}
    return told


@pytest.mark.faults
def test_no_acknowledged_event_is_lost_or_doubled_when_its_writer_is_killed(store: EventStore, address: str) -> None:
    told: dict[str, int] = {}
    firsts = {"one": 0, "two": 0, "three": 0}
    for seconds in (0.3, 0.5):
        for name, acknowledgements in killed_after(seconds, address, firsts).items():
            told |= acknowledgements
            # The next writer of that name sends its last ones again, and what was not acknowledged.
            firsts[name] = max(0, max(int(event_id.split("-")[1]) for event_id in acknowledgements) - 3)
    kept = [stored for name in firsts for stored in store.of_user(name)]
    assert {stored.event_id: stored.sequence for stored in kept}.items() >= told.items()
    assert len({stored.event_id for stored in kept}) == len(kept) == count_up_to(store, store.newest())


def test_sequences_are_in_the_order_of_commits(store: EventStore, address: str) -> None:
    """Whoever reads by sequence misses nothing: what it has not seen yet has a greater one."""
    environment = {**os.environ, "ADDRESS": address}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, name, "0"], stdout=subprocess.DEVNULL, env=environment)
        for name in ("one", "two")
    ]
    seen: list[int] = [0]
    try:
        deadline = time.monotonic() + 60
        while len(seen) <= 300 and time.monotonic() < deadline:
            last, newest = seen[-1], store.newest()
            assert count_up_to(store, last) == len(seen) - 1
            users = {user_id for user_id, _ in store.reacted_since(last)}
            new = (stored.sequence for user_id in users for stored in store.of_user(user_id))
            seen += sorted(sequence for sequence in new if last < sequence <= newest)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert len(seen) > 300
    assert seen == sorted(set(seen))


def test_stored_events_are_sent_ones_with_a_sequence() -> None:
    assert Stored._fields == ("sequence", *Sent._fields[:5], "told_at", "context", "list_id")


def test_contexts_are_kept_and_are_part_of_an_event(store: EventStore) -> None:
    (kept, again), (bare, _) = store.append([sent("a", context={"gerät": "x 'y'"}), sent("b")])
    assert (kept.context, again, bare.context) == ({"gerät": "x 'y'"}, False, None)
    assert store.append([sent("a", context={"gerät": "x 'y'"})]) == [(kept, True)]
    with pytest.raises(Conflict):
        store.append([sent("a", context={"gerät": "z"})])
    with pytest.raises(DataRefused, match="gerät"):
        store.append([sent("c", context={"gerät": "\0"})])


def test_views_are_apart_from_what_changes_lists(store: EventStore) -> None:
    store.append([sent("a", event="view"), sent("b"), sent("c", user_id="v", event="view")])
    assert [event.event_id for event in store.reactions_of("u").standing] == ["b"]
    assert [event.event_id for event in store.newest_of("u", 9)] == ["b", "a"]
    assert dict(store.reacted_since(0)) == {"u": 2, "v": 3}
    assert dict(store.reacted_since(1)) == {"u": 2}


def test_an_event_is_taken_back_once_and_stays_where_it_is(store: EventStore) -> None:
    store.append([sent("a"), sent("b")])
    (undone, sequence), again = store.undo("a", "u", "key"), store.undo("a", None)
    assert (undone.event_id, sequence, again) == ("a", 1, (undone, 1))
    assert (store.undone_of("u"), store.undone_of("v"), [*store.undone_since(0)]) == ({"a"}, set(), [("u", 1)])
    assert len(store.of_user("u")) == 2
    for event_id, user_id in (("x", None), ("b", "other"), ("zero\0", None)):
        with pytest.raises(NotFound, match="no such event"):
            store.undo(event_id, user_id)
    store.forget("u")
    assert store.undone_of("u") == set()
