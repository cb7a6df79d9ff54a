from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.audit import AuditLog
from nightschool.storage.quarantine.repairs import Place, Repairs, hash_row

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PLACE = Place("interactions", "log.csv", 4)
WAS, ROW = '{"rating":"nine"}', '{"rating":"5"}'


@pytest.fixture
def repairs(database: sa.Engine) -> Repairs:
    return Repairs(database)


def test_a_repair_waits_with_the_row_that_it_is_about(repairs: Repairs) -> None:
    repairs.ask(PLACE, WAS, ROW, "ops")
    (waiting,) = repairs.waiting()
    assert (waiting.place, waiting.seen, waiting.row) == (PLACE, hash_row(WAS), ROW)
    assert (waiting.state, waiting.asked_by, waiting.dismisses, waiting.done_at) == ("waiting", "ops", False, None)


def test_the_newest_wish_for_a_row_counts(repairs: Repairs) -> None:
    repairs.ask(PLACE, WAS, ROW, "ops")
    repairs.dismiss(PLACE, WAS, "a test account", "other")
    repairs.ask(PLACE._replace(source_row=5), WAS, ROW, "ops")
    assert [(each.place.source_row, each.dismisses) for each in repairs.waiting()] == [(4, True), (5, False)]


def test_what_was_done_keeps_its_place_and_not_its_row(repairs: Repairs) -> None:
    repairs.ask(PLACE, WAS, ROW, "ops")
    repairs.end(repairs.waiting()[0], "refused", NOW, "unknown_user")
    assert repairs.waiting() == ()
    (done,) = repairs.newest(10)
    assert (done.state, done.row, done.detail, done.done_at) == ("refused", None, "unknown_user", NOW)


def test_what_waits_can_be_taken_back_once(repairs: Repairs) -> None:
    repairs.ask(PLACE, WAS, ROW, "ops")
    repairs.take_back(PLACE, "ops")
    assert repairs.newest(10) == ()
    with pytest.raises(NotFound, match="nothing waits for this row"):
        repairs.take_back(PLACE, "ops")


def test_what_says_nothing_is_refused(repairs: Repairs) -> None:
    with pytest.raises(ConfigurationError, match="nothing was corrected"):
        repairs.ask(PLACE, WAS, WAS, "ops")
    with pytest.raises(ConfigurationError, match="was not kept"):
        repairs.ask(PLACE, None, ROW, "ops")
    with pytest.raises(ConfigurationError, match="needs a reason"):
        repairs.dismiss(PLACE, None, "", "ops")
    assert repairs.waiting() == ()


def test_the_audit_log_names_the_place_and_never_the_row(repairs: Repairs, database: sa.Engine) -> None:
    repairs.ask(PLACE, WAS, ROW, "ops")
    repairs.dismiss(PLACE, WAS, "a test account", "ops")
    repairs.take_back(PLACE, "other")
    entries = AuditLog(database).newest(10)
    assert [(each.who, each.action) for each in entries] == [
        ("other", "took_back_row"),
        ("ops", "dismissed_row"),
        ("ops", "asked_repair"),
    ]
    assert {each.what for each in entries} == {"interactions log.csv row 4"}
    assert all(not each.details for each in entries)


def test_those_that_name_a_user_are_erased(repairs: Repairs, tmp_path: Path) -> None:
    repairs.ask(PLACE, WAS, '{"user":"somebody-special"}', "ops")
    assert repairs.forget([each.sequence for each in repairs.waiting()]) == 1
    assert repairs.forget([]) == 0
    assert repairs.newest(10) == ()
    for file in tmp_path.rglob("events.db*"):
        assert b"somebody-special" not in file.read_bytes()
