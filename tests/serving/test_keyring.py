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
