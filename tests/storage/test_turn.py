from contextlib import suppress
from pathlib import Path

import pytest

from nightschool.columns import USERS
from nightschool.errors import Busy, ConfigurationError
from nightschool.settings import HomePaths
from nightschool.storage.home import Home
from nightschool.storage.lease import LEASE, leased
from nightschool.storage.store import Store
from nightschool.storage.turn import home_turn
from tests.storage.frames import users
from tests.storage.stores import in_memory
from tests.storage.test_shared_binding import bound


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    """The store of every home whose address names this test's folder."""
    store = in_memory()
    monkeypatch.setattr(Store, "at", lambda _address: store)
    return store


@pytest.fixture
def paths(tmp_path: Path, store: Store) -> HomePaths:
    return HomePaths(tmp_path / "home", f"s3://{tmp_path.name}")


def other(paths: HomePaths) -> HomePaths:
    return HomePaths(paths.root.with_name("other"), paths.store)


def written(paths: HomePaths) -> int:
    return Home.of(paths, bound(paths)).lake.scan(USERS).collect().height


def write(paths: HomePaths, *ids: int) -> None:
    Home.of(paths, bound(paths)).lake.append(USERS, users(*ids))


def test_a_home_is_up_to_date_within_its_turn_and_shared_after_it(paths: HomePaths, store: Store) -> None:
    with home_turn(paths):
        write(paths, 1, 2)
        assert not store.entries("lake")
    assert store.entries("lake")
    with home_turn(other(paths)):
        assert written(other(paths)) == 2
        write(other(paths), 3)
    with home_turn(paths):
        assert written(paths) == 3


def test_what_a_failing_block_committed_is_shared_too(paths: HomePaths) -> None:
    with suppress(ZeroDivisionError), home_turn(paths):
        write(paths, 1)
        _ = 1 / 0
    with home_turn(other(paths)):
        assert written(other(paths)) == 1


def test_another_machine_waits_for_its_turn(paths: HomePaths) -> None:
    with home_turn(paths), pytest.raises(Busy, match=r"the lease of .* is held"), home_turn(other(paths)):
        pass
    with home_turn(other(paths)):
        pass


def test_another_process_of_the_machine_waits_too(paths: HomePaths) -> None:
    with home_turn(paths), pytest.raises(Busy, match="is locked"), home_turn(paths):
        pass


def test_who_lost_the_lease_shares_nothing(paths: HomePaths, store: Store) -> None:
    with home_turn(paths):
        write(paths, 1)

    def outlive() -> None:
        with home_turn(paths):
            write(paths, 2)
            store.put(LEASE, b'{"token": 9, "until": null, "holder": "another machine"}')

    with pytest.raises(Busy, match="was lost"):
        outlive()
    with home_turn(other(paths)):
        assert written(other(paths)) == 1


def test_a_lease_that_ran_out_is_taken_over(paths: HomePaths, store: Store) -> None:
    until = store.now().isoformat()
    store.put(LEASE, f'{{"token": 4, "until": "{until}", "holder": "gone"}}'.encode())
    with home_turn(paths):
        write(paths, 1)
    assert store.read(LEASE)[0].startswith(b'{"token": 5')  # type: ignore[index]  # it is there


def test_a_store_that_cannot_fence_is_refused_before_anything_is_written(
    paths: HomePaths, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_creates", lambda name, content: bool(store.put(name, content)))
    with pytest.raises(ConfigurationError, match="overwrites what it was asked to create"), home_turn(paths):
        pass
    assert not store.entries("lake")


def test_without_a_store_a_turn_is_the_lock(tmp_path: Path) -> None:
    alone = HomePaths(tmp_path / "alone")
    with home_turn(alone), pytest.raises(Busy, match="is locked"), home_turn(alone):
        pass
    assert not alone.replica.exists()
    with leased(in_memory()):
        pass
