from pathlib import Path

import pytest

from nightschool.errors import Unreachable
from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from serving.keyring import Keyring


def test_keys_are_those_of_the_last_refresh(tmp_path: Path) -> None:
    keys = Keys(open_database(f"sqlite:///{tmp_path / 'events.db'}", wait=0.1))
    ring = Keyring(keys)
    assert (ring.known, ring.locked) == (False, False)
    ring.refresh()
    assert (ring.known, ring.locked) == (True, False)
    key = keys.add("page", "read")
    ring.refresh()
    found = ring.find(key)
    assert (found.name if found else None, ring.find("other"), ring.locked) == ("page", None, True)
    (tmp_path / "events.db").rename(tmp_path / "away")
    with pytest.raises(Unreachable):
        ring.refresh()
    assert ring.find(key) == found
    (tmp_path / "away").rename(tmp_path / "events.db")
    keys.revoke("page")
    ring.refresh()
    assert (ring.find(key), ring.locked) == (None, True)


def test_when_a_key_was_last_used_is_stored_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(open_database(f"sqlite:///{tmp_path / 'events.db'}"))
    key, ring = keys.add("page", "read"), Keyring(keys)
    keys.add("other", "read")
    ring.refresh()
    assert ring.find(key) is not None
    ring.refresh()
    assert [each.used_at for each in keys.list()] == [None, None]
    monkeypatch.setattr("serving.keyring.USES_KEPT_SECONDS", 0.0)
    ring.refresh()
    other, page = keys.list()
    assert (other.used_at, page.used_at is not None) == (None, True)
