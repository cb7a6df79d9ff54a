import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from nightschool.errors import Unreachable
from nightschool.settings import Settings
from nightschool.storage.erasure_log import Erasure, Erasures
from nightschool.storage.home import Home
from nightschool.storage.lease import leased
from nightschool.storage.replica import Replica
from nightschool.storage.store import Store
from tests.serving.homes import current_of, publish, settings_of
from tests.storage.stores import in_memory


def test_without_a_home_there_is_nothing_to_serve(tmp_path: Path) -> None:
    current = current_of(Settings(home=tmp_path / "nothing"))
    assert not current.refresh()
    assert not current.opened
    assert current.lake() is None
    with pytest.raises(Unreachable, match="no release is published yet"):
        _ = current.snapshot


def test_who_was_erased_is_known_at_once(own_home: Home, tmp_path: Path) -> None:
    current = current_of(settings_of(own_home))
    assert current.erased([1, 2]) == set()
    gone = Erasure(user_id=2, erased_at=datetime.now(UTC), removed={}, content_hashes={}, row_counts={})
    Erasures(own_home.lake).note(gone)
    assert current.erased([1, 2]) == {2}
    assert current_of(Settings(home=tmp_path / "nothing")).erased([2]) == set()


def test_only_a_change_is_a_change(own_home: Home) -> None:
    current, changes = current_of(settings_of(own_home)), list[str]()
    current.when_changed = lambda: changes.append(current.snapshot.release.release_id)
    assert [current.refresh() for _ in range(3)] == [True, False, False]
    first = current.snapshot
    release = publish(own_home)
    assert [current.refresh() for _ in range(3)] == [True, False, False]
    assert changes == [first.release.release_id, release.release_id]
    assert current.snapshot.release.release_id == release.release_id != first.release.release_id


def test_a_hold_changes_nothing(own_home: Home) -> None:
    current = current_of(settings_of(own_home))
    current.refresh()
    own_home.releases.hold("wait")
    assert not current.refresh()


def test_a_release_that_cannot_be_opened_leaves_the_old_one_and_is_tried_again(own_home: Home) -> None:
    current = current_of(settings_of(own_home))
    current.refresh()
    first = current.snapshot
    release = publish(own_home)
    folder = own_home.paths.serving / release.release_id
    shutil.move(folder, folder.with_name("away"))
    for _ in range(2):
        with pytest.raises(
            Unreachable,
            match=r"cannot be opened; .*recommendations\.arrow is missing or damaged",
        ):
            current.refresh()
        assert current.snapshot is first
    shutil.move(folder.with_name("away"), folder)
    assert current.refresh()
    assert current.snapshot.release.release_id == release.release_id


def test_a_server_that_starts_over_a_damaged_release_serves_the_last_good_one(own_home: Home) -> None:
    good, bad = own_home.releases.current(), publish(own_home)
    assert good is not None
    file = own_home.paths.serving / bad.release_id / "histories.arrow"
    file.write_bytes(file.read_bytes()[:-100])
    current = current_of(settings_of(own_home))
    with pytest.raises(Unreachable, match=r"histories\.arrow is missing or damaged"):
        current.refresh()
    assert current.snapshot.release.release_id == good.release_id


def test_files_that_go_missing_are_told_and_the_release_is_served_on(own_home: Home) -> None:
    current = current_of(settings_of(own_home))
    current.refresh()
    file = own_home.paths.serving / current.snapshot.release.release_id / "recommendations.arrow"
    file.rename(file.with_name("away"))
    with pytest.raises(Unreachable, match=r"recommendations\.arrow of the current release is missing or damaged"):
        current.refresh()
    assert current.opened
    file.with_name("away").rename(file)
    assert not current.refresh()


@pytest.mark.parametrize("name", ["lake", "lake/releases", "dataset.json"])
def test_tables_that_go_missing_are_told_and_the_release_is_served_on(own_home: Home, name: str) -> None:
    current = current_of(settings_of(own_home))
    current.refresh()
    served, there = current.snapshot, own_home.paths.root / name
    there.rename(own_home.paths.root / "away")
    for _ in range(2):
        with pytest.raises(Unreachable, match="the tables that name the current release are missing"):
            current.refresh()
    assert current.snapshot is served
    (own_home.paths.root / "away").rename(there)
    assert not current.refresh()
    assert current.snapshot is served


def test_a_file_that_was_cut_off_is_served_no_more(own_home: Home) -> None:
    current = current_of(settings_of(own_home))
    current.refresh()
    file = own_home.paths.serving / current.snapshot.release.release_id / "recommendations.arrow"
    os.truncate(file, 100)
    with pytest.raises(Unreachable, match="missing or damaged"):
        current.refresh()
    assert not current.opened


def test_what_another_machine_publishes_is_served(
    own_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, moments = in_memory(), count(step=3)
    monkeypatch.setattr(Store, "at", lambda _address: store)
    monkeypatch.setattr("serving.current.monotonic", lambda: float(next(moments)))
    share(own_home, store)
    current = current_of(Settings(home=tmp_path / "server", lake=f"s3://{tmp_path.name}"))
    assert [current.refresh() for _ in range(2)] == [True, False]
    first = current.snapshot.release.release_id
    release = publish(own_home)
    share(own_home, store)
    monkeypatch.setattr(store, "entry", raising(Unreachable("no answer", do="wait")))
    assert not any(current.refresh() for _ in range(3))
    assert caplog.text.count("what other machines publish is not seen: no answer") == 1
    monkeypatch.undo()
    monkeypatch.setattr("serving.current.monotonic", lambda: float(next(moments)))
    assert current.refresh()
    assert current.snapshot.release.release_id == release.release_id != first


def share(home: Home, store: Store) -> None:
    """What a turn of this home's machine does at its end."""
    replica = Replica(home.paths, store)
    with leased(store) as lease:
        replica.lease = lease
        replica.push()


def raising(error: Exception) -> Callable[..., None]:
    def call(*_: object) -> None:
        raise error

    return call
