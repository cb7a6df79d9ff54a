from pathlib import Path

import pytest

from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys, hash_of
from tests.cli.conftest import Run, require_refusal


def role_of(keys: Keys, key: str) -> str | None:
    found = keys.by_hash()[0].get(hash_of(key))
    return found.role if found else None


def test_a_key_is_told_once_and_works_until_it_is_revoked(run: Run, home: Path) -> None:
    added = run("keys", "add", "platform", "--role", "events")
    assert added.code == 0
    key = added.out.strip()
    assert "The key is not stored" in added.err
    keys = Keys(open_database(f"sqlite:///{home / 'events.db'}"))
    assert role_of(keys, key) == "events"
    document = run("keys", "add", "page", "--role", "read", "--json").document
    assert (document["name"], document["role"], role_of(keys, document["key"])) == ("page", "read", "read")
    listed = run("keys", "list", "--json")
    assert [(entry["name"], entry["role"]) for entry in listed.document] == [("page", "read"), ("platform", "events")]
    shown = run("keys", "list")
    assert "platform" in shown.out
    assert key not in listed.out + shown.out
    assert run("keys", "revoke", "platform").code == 0
    assert run("keys", "revoke", "page", "--json").document == {"revoked": "page"}
    assert role_of(keys, key) is None


def test_what_cannot_be_done_is_told(run: Run) -> None:
    run("keys", "add", "page", "--role", "read")
    require_refusal(run("keys", "add", "page", "--role", "read"), 2, "there is a key of that name", "'page'")
    require_refusal(run("keys", "revoke", "other"), 5, "no key has that name", "'other'")
    outcome = run("keys", "add", "page", "--role", "admin")
    assert (outcome.code, outcome.out) == (2, "")
    assert "read" in outcome.err


def test_listing_makes_nothing_in_a_home_without_keys(run: Run, home: Path) -> None:
    assert run("keys", "list", "--json").document == []
    assert "keys add NAME" in run("keys", "list").out
    assert not home.exists()


def test_a_database_that_does_not_answer_is_told_untold(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTSCHOOL_EVENTS_URI", "postgresql://reader:s3cr3t-9f@127.0.0.1:1/db")
    outcome = run("keys", "list")
    require_refusal(outcome, 7, "does not answer", "NIGHTSCHOOL_EVENTS_URI")
    assert not [part for part in ("s3cr3t-9f", "127.0.0.1", "reader") if part in outcome.err]
