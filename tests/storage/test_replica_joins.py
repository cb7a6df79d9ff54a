"""Homes that come to a store, with data of their own or none, and stores that are not those they were."""

from pathlib import Path

import pytest

from nightschool.errors import ConfigurationError
from nightschool.storage.lease import leased
from nightschool.storage.replica import ID, Replica
from nightschool.storage.store import Store
from tests.storage.machines import Machine
from tests.storage.stores import in_memory
from tests.storage.test_releases import A, C


def test_a_home_follows_one_store_alone(machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    one, _ = machines
    one.night(A)
    files = set(one.replica._local())
    for elsewhere in (in_memory(), machine_of_its_own(tmp_path).replica.store):
        moved = Replica(one.paths, elsewhere)
        with leased(elsewhere) as lease:
            moved.lease = lease
            for act in (moved.follow, moved.pull, moved.push):
                with pytest.raises(ConfigurationError, match="is a copy of another store"):
                    act()
    assert set(one.replica._local()) == files


def machine_of_its_own(folder: Path) -> Machine:
    machine = Machine(folder / "of its own", in_memory())
    machine.night(C)
    return machine


def test_a_home_with_data_does_not_join_a_store_with_data(machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    one, _ = machines
    one.night(A)
    own = machine_of_its_own(tmp_path)
    own.paths.replica.unlink()
    joining = Replica(own.paths, one.replica.store)
    for act in (joining.pull, joining.follow):
        with pytest.raises(ConfigurationError, match="both the home and the store hold data"):
            act()
    assert own.releases.current() is not None


def test_a_store_that_was_emptied_empties_no_home(machines: tuple[Machine, Machine]) -> None:
    one, _ = machines
    one.night(A)
    store, files = one.replica.store, set(one.replica._local())
    store.delete(list(store.entries()))
    for act in (one.replica.follow, one.replica.pull):
        with pytest.raises(ConfigurationError, match="is a copy of another store"):
            act()
    assert set(one.replica._local()) == files


def test_a_home_that_is_there_moves_into_an_empty_store(tmp_path: Path, object_store: Store) -> None:
    alone = Machine(tmp_path / "alone", in_memory())
    alone.lake.replica = None
    alone.publish(A, None)
    moved, other = Machine(tmp_path / "alone", object_store), Machine(tmp_path / "other", object_store)
    moved.replica.follow()
    with moved.turn():
        pass
    assert other.current() == A


def test_who_was_killed_while_it_came_first_comes_again(tmp_path: Path, object_store: Store) -> None:
    alone = Machine(tmp_path / "alone", in_memory())
    alone.lake.replica = None
    alone.publish(A, None)
    object_store.create(ID, b"an id that the home had not noted")
    moved, other = Machine(tmp_path / "alone", object_store), Machine(tmp_path / "other", object_store)
    with moved.turn():
        pass
    assert other.current() == A
