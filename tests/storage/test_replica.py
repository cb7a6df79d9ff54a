"""Machines that share a store, each with its own copy of it."""

from typing import Any

import polars as pl
import pytest

from nightschool.columns import AUDIENCE_RECOMMENDATIONS, NIGHTS, RELEASES, USER_ID, USERS
from nightschool.errors import Busy, LeaseLost, Moved
from nightschool.storage.lease import LEASE, Lease
from nightschool.storage.lock import locked
from nightschool.storage.replica import Replica
from nightschool.storage.store import Store
from tests.storage.frames import users
from tests.storage.machines import Machine
from tests.storage.test_releases import A, B, C, write_tables


class Believed(Lease):
    """A lease that its holder believes to have."""

    def require(self) -> None:
        """Finds nothing wrong."""


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
    assert mine == theirs == {name for name in one.replica.store.entries() if not name.startswith("_")}
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


def test_a_server_that_loses_a_race_drops_nothing_of_a_night_of_its_machine(
    machines: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = machines
    one.night(A)
    one.night(B)
    two.replica.pull()
    server = Machine(one.paths.root, one.replica.store)
    with one.turn():
        one.lake.append(USERS, users(1))
        monkeypatch.setattr(server.replica, "settle", lambda: None)
        base = server.releases.version()
        two.releases.hold("first")
        with pytest.raises(Moved):
            server.lake.append_after(RELEASES, pl.DataFrame([_row(one, A)], schema=one.lake.schema(RELEASES)), base)
        assert one.lake.scan(USERS).collect().height == 1
    two.replica.pull()
    assert two.lake.scan(USERS).collect().height == 1
    assert two.releases.held() == "first"


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

    def outlive() -> None:
        with one.turn():
            base = one.releases.version()
            one.replica.store.put(LEASE, b'{"token": 9, "until": null, "holder": "another", "owner": "another"}')
            with pytest.raises(LeaseLost, match="was lost"):
                one.publish(B, base)

    with pytest.raises(LeaseLost):
        outlive()
    assert two.current() == A
    with one.turn():
        assert one.releases.current() is not None
        assert [row.release_id for row in one.releases.history()] == [A]


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
