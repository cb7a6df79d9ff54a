from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from nightschool.storage.audit import AuditLog, note_in
from nightschool.storage.database import writing


@pytest.fixture
def log(database: sa.Engine) -> AuditLog:
    return AuditLog(database)


def test_an_action_is_noted_with_who_and_when(log: AuditLog) -> None:
    before = datetime.now(UTC)
    log.note("operator", "rolled_back", "2026-11-27-1a2b3c4d", {"reason": "worse lists", "hold": True})
    (entry,) = log.newest(10)
    assert (entry.who, entry.action, entry.what) == ("operator", "rolled_back", "2026-11-27-1a2b3c4d")
    assert entry.details == {"reason": "worse lists", "hold": True}
    assert before <= entry.at <= datetime.now(UTC)


def test_the_newest_come_first_and_pages_follow_one_another(log: AuditLog) -> None:
    for n in range(7):
        log.note("", "held", str(n))
    first = log.newest(3)
    second = log.newest(3, before=first[-1].sequence)
    last = log.newest(3, before=second[-1].sequence)
    assert [entry.what for page in (first, second, last) for entry in page] == ["6", "5", "4", "3", "2", "1", "0"]
    assert log.newest(3, before=last[-1].sequence) == ()


def test_the_log_is_narrowed_by_who_and_by_action(log: AuditLog) -> None:
    log.note("page", "held", "a")
    log.note("night", "held", "b")
    log.note("night", "rolled_back", "c")
    log.note("", "rolled_back", "d")
    assert [entry.what for entry in log.newest(9, who="night")] == ["c", "b"]
    assert [entry.what for entry in log.newest(9, action="rolled_back")] == ["d", "c"]
    assert [entry.what for entry in log.newest(9, who="night", action="held")] == ["b"]
    assert log.names() == (("night", "page"), ("held", "rolled_back"))


def test_an_entry_goes_with_the_transaction_that_it_is_about(log: AuditLog, database: sa.Engine) -> None:
    def fail() -> None:
        with writing(database) as connection:
            note_in(connection, "operator", "held", "nothing came of it")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert log.newest(1) == ()
    with writing(database) as connection:
        note_in(connection, "operator", "held", "done")
    assert [entry.what for entry in log.newest(9)] == ["done"]
