"""Machines that share a store, each with its own copy of it."""

import json
import random
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.columns import AUDIENCE_RECOMMENDATIONS, NIGHTS, RELEASES, USER_ID, USERS
from nightschool.errors import Busy, Unreachable
from nightschool.settings import HomePaths
from nightschool.storage.lake import Lake
from nightschool.storage.lease import LEASE, Lease, leased
from nightschool.storage.releases import Releases
from nightschool.storage.replica import Replica, locked
from nightschool.storage.store import Store
from tests.storage.frames import users
from tests.storage.stores import in_memory
from tests.storage.test_releases import A, B, C, draft, write_tables


class Believed(Lease):
    """A lease that its holder believes to have."""

    def require(self) -> None:
        """Finds nothing wrong."""


class Machine:
    """A machine with a copy of the store, which its nights and servers use."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.paths = HomePaths(folder, store.address)
        self.replica = Replica(self.paths, store)
        self.lake = Lake(self.paths.lake, pl.Int64(), pl.Int64(), replica=self.replica)
        self.releases = Releases(self.lake)

    @contextmanager
    def turn(self) -> Any:
        """What `home_turn` does, without the lock of the machine."""
        with leased(self.replica.store) as lease:
            self.replica.lease = lease
            try:
                self.replica.pull()
                if lease.taken_over:
                    self.replica.fence()
                yield lease
                self.replica.push()
            finally:
                self.replica.lease = None

    def publish(self, release_id: str, base: int | None) -> None:
        """What a night does at its end."""
        write_tables(self.releases, release_id)
        folder = self.paths.serving / release_id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lists.arrow").write_text(f"lists of {release_id}")
        self.releases.publish(draft(release_id), base)

    def night(self, release_id: str) -> None:
        with self.turn():
            self.publish(release_id, self.releases.version())

    def current(self) -> str | None:
        """The release that a server of this machine serves, if it is whole."""
        self.replica.follow()
        release = self.releases.current()
        if release is None:
            return None
        self.releases.require_whole(release)
        assert (self.paths.serving / release.release_id / "lists.arrow").read_text() == f"lists of {release.release_id}"
        return release.release_id


@pytest.fixture
def store() -> Store:
    return in_memory()


@pytest.fixture
def machines(store: Store, tmp_path: Path) -> tuple[Machine, Machine]:
    return Machine(tmp_path / "one", store), Machine(tmp_path / "two", store)


def test_what_one_machine_published_the_other_serves(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    assert two.current() is None
    one.night(A)
    assert two.current() == A
    two.night(B)
    assert one.current() == B
    assert [row.release_id for row in one.releases.history()] == [A, B]


def test_the_log_of_releases_comes_last(machines: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = machines
    written: list[str] = []
    for name in ("put", "create"):
        monkeypatch.setattr(Store, name, _noting(getattr(Store, name), written))
    one.night(A)
    names = [name for name in written if not name.startswith("_")]
    pointer = names.index(f"lake/{RELEASES.name}/_delta_log/00000000000000000000.json")
    assert all(not name.startswith("lake/releases/_delta_log") for name in names[:pointer])
    assert {name.split("/")[0] for name in names[:pointer]} == {"lake", "serving"}
    assert names[pointer + 1 :] == []
    fetched: list[str] = []
    monkeypatch.setattr(Store, "fetch", _noting(Store.fetch, fetched))
    assert two.current() == A
    assert fetched.index(names[pointer]) == len(fetched) - 1


def _noting(call: Any, names: list[str]) -> Any:
    def noted(store: Store, name: str, *arguments: Any) -> Any:
        names.append(name)
        return call(store, name, *arguments)

    return noted


def test_of_two_who_publish_on_one_base_the_second_is_refused_and_sees_the_first(
    machines: tuple[Machine, Machine],
) -> None:
    one, two = machines
    one.night(A)
    assert two.current() == A
    base = one.releases.version()
    # Both believe that they hold the lease, and commit to the same version of the log; the store takes one.
    one.replica.lease = two.replica.lease = Believed(one.replica.store, 0, "", one.replica.store.now(), False)
    one.publish(B, base)
    with pytest.raises(Busy, match="was published while the night ran"):
        two.publish(C, base)
    assert two.current() == B
    assert [row.release_id for row in two.releases.history()] == [A, B]


def test_a_rollback_on_any_machine_is_seen_on_all(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    one.night(A)
    one.night(B)
    assert two.current() == B
    two.releases.rollback(A, "by hand")
    assert one.current() == A
    one.releases.hold("exams")
    two.replica.pull()
    assert two.releases.held() == "exams"


def test_what_was_removed_on_one_machine_goes_from_the_store_and_the_others(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    one.night(A)
    one.night(B)
    two.replica.pull()
    with one.turn():
        one.lake.append(USERS, users(1, 2))
    with one.turn():
        one.lake.delete(USERS, pl.col(USER_ID) == 1)
        one.lake.purge(USERS)
        one.lake.drop_release(AUDIENCE_RECOMMENDATIONS, A)
        (one.paths.serving / A / "lists.arrow").unlink()
    two.replica.pull()
    mine, theirs = _files(one), _files(two)
    assert mine == theirs == set(one.replica.store.entries()) - {LEASE, "_clock"}
    assert two.lake.scan(USERS).collect()[USER_ID].to_list() == [2]
    assert two.lake.releases(AUDIENCE_RECOMMENDATIONS) <= {A, B}
    assert not [name for name in theirs if f"={A}/" in name]


def _files(machine: Machine) -> set[str]:
    return set(machine.replica._local())


def test_commits_that_were_not_put_yet_stay_and_are_put_by_the_next_turn(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    with one.turn():
        one.lake.append(USERS, users(1))
    one.lake.append(USERS, users(2))  # the process is killed here
    with one.turn():
        assert one.lake.scan(USERS).collect().height == 2
    two.replica.pull()
    assert two.lake.scan(USERS).collect().height == 2


def test_commits_that_were_not_put_go_where_others_made_theirs(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    with one.turn():
        one.lake.append(USERS, users(1))
    one.lake.append(USERS, users(2))
    one.lake.append(USERS, users(3))
    with two.turn():
        two.lake.append(USERS, users(7))
    with one.turn():
        assert sorted(one.lake.scan(USERS).collect()[USER_ID]) == [1, 7]
        one.lake.append(USERS, users(8))
    two.replica.pull()
    assert sorted(two.lake.scan(USERS).collect()[USER_ID]) == [1, 7, 8]


def test_a_commit_that_was_put_and_not_noted_is_known_again(
    machines: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = machines
    with one.turn():
        one.lake.append(USERS, users(1))
    noted = one.paths.replica.read_bytes()
    with one.turn():
        one.lake.append(USERS, users(2))
    one.paths.replica.write_bytes(noted)  # killed after the answer, before it was noted
    one.lake.append(USERS, users(3))
    with one.turn():
        assert sorted(one.lake.scan(USERS).collect()[USER_ID]) == [1, 2, 3]
    two.replica.pull()
    assert sorted(two.lake.scan(USERS).collect()[USER_ID]) == [1, 2, 3]


def test_what_is_removed_in_a_turn_is_not_fetched_by_a_server_meanwhile(machines: tuple[Machine, Machine]) -> None:
    one, _ = machines
    server = Replica(one.paths, one.replica.store)  # of another process on the same machine
    one.night(A)
    server.follow()
    lists = one.paths.serving / A / "lists.arrow"
    with locked(one.paths.replica_turn), one.turn():
        one.publish(B, one.releases.version())
        lists.unlink()
        server.follow()
        assert not lists.exists()
    server.follow()
    assert not lists.exists()
    assert f"serving/{A}/lists.arrow" not in one.replica.store.entries()


def test_the_tries_of_a_machine_are_its_own(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    for machine in machines:
        machine.lake.append(NIGHTS, pl.DataFrame(schema=machine.lake.schema(NIGHTS)))
    one.night(A)
    assert two.current() == A
    assert not [name for name in one.replica.store.entries() if NIGHTS.name in name]


def test_a_night_whose_lease_was_lost_publishes_nothing(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    one.night(A)
    with one.turn() as lease:
        base = one.releases.version()
        lease.until, lease.tag = lease.until, "of somebody else"
        with pytest.raises(Busy, match="was lost"):
            one.publish(B, base)
        with suppress(Busy):
            one.replica.push()
        lease.lost = True
        one.replica.push = lambda: None  # type: ignore[method-assign]  # as `home_turn` leaves it out
    assert two.current() == A


def test_who_took_over_a_lease_fences_what_the_other_had_prepared(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    one.night(A)
    assert two.current() == A
    # One is suspended between its check of the lease and its commit; its lease runs out, and two takes it over.
    base = one.releases.version()
    one.lake.append(USERS, users(1))
    with two.turn() as lease:
        lease.taken_over = True
        two.replica.fence()
    write_tables(one.releases, B)
    with pytest.raises(Busy):
        one.lake.append_after(RELEASES, pl.DataFrame([_row(one, B)], schema=one.lake.schema(RELEASES)), base)
    assert two.current() == A
    assert one.current() == A


def _row(machine: Machine, release_id: str) -> Any:
    release = machine.releases.history()[-1]
    return release.model_copy(update={"release_id": release_id, "commit_version": release.commit_version + 1}).to_row()


@pytest.mark.parametrize("seeds", [range(start, start + 10) for start in range(0, 30, 10)], ids=str)
def test_whatever_dies_between_two_requests_readers_see_whole_releases(seeds: range, tmp_path: Path) -> None:
    for seed in seeds:
        _check(seed, tmp_path / str(seed))


class _Killed(Exception):
    """The process that stood here is gone."""


def _check(seed: int, folder: Path) -> None:
    rng, store = random.Random(seed), in_memory()
    one, two, reader = (Machine(folder / name, store) for name in ("one", "two", "reader"))
    mortal = [True]

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def maybe(*arguments: Any, **named: Any) -> Any:
            when = rng.random() if mortal[0] else 1.0
            if when < 0.02:
                raise _Killed
            found = call(*arguments, **named)
            if when < 0.04:
                raise Unreachable("the answer was lost", do="wait") if when < 0.03 else _Killed
            return found

        return maybe

    for name in ("put", "create", "fetch", "delete", "read"):
        setattr(store, name, dying(getattr(store, name)))
    published: list[str] = []
    for number in range(12):
        machine, release_id = rng.choice([one, two]), f"2024-05-{number + 1:02}-{number:08}"
        try:
            machine.night(release_id)
        except (_Killed, Unreachable, Busy):
            mortal[0] = False
            _give_back(store)
        mortal[0] = False
        found = reader.current()
        history = [row.release_id for row in reader.releases.history()]
        assert history[: len(published)] == published, f"seed {seed}"
        assert found == (history[-1] if history else None), f"seed {seed}"
        published, mortal[0] = history, True
    mortal[0] = False
    one.night("2024-06-01-ffffffff")
    assert reader.current() == two.current() == "2024-06-01-ffffffff"
    assert _files(one) == _files(reader), f"seed {seed}"


def _give_back(store: Store) -> None:
    """The lease of a process that is gone runs out."""
    found = store.read(LEASE)
    if found is not None:
        store.put(LEASE, json.dumps({**json.loads(found[0]), "until": None}).encode())
