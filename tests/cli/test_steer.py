import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nightschool.storage.audit import AuditLog
from nightschool.storage.database import open_database
from tests.cli.conftest import Published, Run, require_refusal

UNTIL = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
WHY = ("--reason", "course of the month")


def test_items_are_pinned_boosted_banned_and_let_go(writing: Published, run: Run, home: Path) -> None:
    home.joinpath("scenarios.toml").write_text("[hero]\n")
    pinned = run("steer", "pin", "1", "--place", 2, "--until", UNTIL, "--scenario", "hero", *WHY, "--json")
    assert (pinned.code, pinned.document["kind"], pinned.document["place"]) == (0, "pin", 2)
    boosted = run("steer", "boost", "2", "--points", 0.5, "--until", UNTIL, *WHY)
    assert (boosted.code, "boost by +0.5, all lists, until" in boosted.out) == (0, True)
    banned = run("steer", "ban", "3", *WHY)
    assert (banned.code, "Item 3: ban" in banned.out) == (0, True)
    listed = run("steer", "list", "--json").document
    assert [(each["item_id"], each["kind"], each["set_by"]) for each in listed] == [
        ("3", "ban", "command line"),
        ("2", "boost", "command line"),
        ("1", "pin", "command line"),
    ]
    assert "pin at 2" in run("steer", "list").out
    number = pinned.document["intervention_id"]
    assert "The pin of item 1 is over." in run("steer", "end", number).out
    assert run("steer", "end", number, "--json").document["ended_at"]
    assert len(run("steer", "list", "--json").document) == 2
    log = AuditLog(open_database(f"sqlite:///{home / 'events.db'}")).newest(9)
    assert [entry.action for entry in log] == ["pin_ended", "ban_set", "boost_set", "pin_set"]


def test_what_cannot_be_set_is_told(writing: Published, run: Run) -> None:
    require_refusal(run("steer", "pin", "999999", "--until", UNTIL, *WHY), 5, "no such item", "999999")
    require_refusal(run("steer", "pin", "1", "--until", "2020-01-01", *WHY), 2, "the end has passed")
    require_refusal(run("steer", "pin", "1", "--place", 0, "--until", UNTIL, *WHY), 2, "saw 0")
    require_refusal(run("steer", "ban", "1", "--scenario", "x", *WHY), 2, "no such scenario")
    require_refusal(run("steer", "ban", "1", "--reason", " "), 2, "needs a reason")
    require_refusal(run("steer", "end", 7), 5, "no such intervention")
    assert run("steer", "list", "--json").document == []
    assert "Nothing is pinned" in run("steer", "list").out


def test_what_the_command_line_does_is_in_the_audit_log(writing: Published, run: Run, home: Path) -> None:
    assert run("keys", "add", "page", "--role", "read", "--user", "7").code == 0
    assert run("keys", "revoke", "page").code == 0
    assert run("releases", "hold", "--reason", "holiday").code == 0
    assert run("releases", "release-hold").code == 0
    assert run("releases", "release-hold").code == 0
    log = AuditLog(open_database(f"sqlite:///{home / 'events.db'}")).newest(9)
    assert [entry.action for entry in log] == ["hold_ended", "held", "key_revoked", "key_added"]
    assert {entry.who for entry in log} == {"command line"}
    assert '"7"' not in json.dumps([dict(entry.details) for entry in log])
