from pathlib import Path

import pytest

from nightschool.storage.synced import FETCHING, Synced, SyncedFiles


def test_what_is_known_is_kept_however_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "home" / "replica.json"

    def fail() -> None:
        with SyncedFiles.of(path) as files:
            files.store_id = "one"
            files.known["a"] = Synced(1, 2, "tag")
            raise ValueError("an end")

    with pytest.raises(ValueError, match="an end"):
        fail()
    with SyncedFiles.of(path) as files:
        assert (files.store_id, files.known) == ("one", {"a": Synced(1, 2, "tag")})
        files.known["b"] = FETCHING
        files.keep()
        with SyncedFiles.of(path) as others:
            assert others.known["b"] == FETCHING


def test_nothing_is_written_of_a_home_that_follows_nothing(tmp_path: Path) -> None:
    with SyncedFiles.of(tmp_path / "replica.json"):
        pass
    assert not list(tmp_path.iterdir())
