"""What a process that was killed has committed and not put into the store, or fetched in part."""

from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import ITEMS, USER_ID, USERS
from nightschool.errors import Unreachable
from nightschool.storage.store import Store
from tests.storage.frames import users
from tests.storage.machines import Machine
from tests.storage.test_releases import A, B


def test_what_a_killed_fetch_left_is_not_put_back(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    with one.turn():
        one.lake.append(USERS, users(1))
    one.night(A)
    fetch, fetched = two.replica.store.fetch, list[str]()

    def dying(name: str, file: Path) -> str:
        if len(fetched) == 3:
            raise Unreachable("killed", do="")
        fetched.append(name)
        return fetch(name, file)

    two.replica.store.fetch = dying  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        two.replica.pull()
    two.replica.store.fetch = fetch  # type: ignore[method-assign]
    with one.turn():
        one.lake.delete(USERS, pl.col(USER_ID) == 1)
        one.lake.purge(USERS)
    kept = {name for name in one.replica.store.entries() if not name.startswith("_")}
    with two.turn():
        pass
    assert (
        {name for name in one.replica.store.entries() if not name.startswith("_")} == kept == set(two.replica._local())
    )


def test_one_unsent_commit_that_is_dropped_takes_all_with_it(machines: tuple[Machine, Machine]) -> None:
    # An ingest notes in its ledger, last, what it has taken in: a ledger without its rows would lose them for good.
    one, two = machines
    with one.turn():
        one.lake.append(USERS, users(1))
    one.lake.append(USERS, users(2))
    one.lake.append(ITEMS, _item(one))
    with two.turn():
        two.lake.append(USERS, users(7))
    with one.turn():
        assert sorted(one.lake.scan(USERS).collect()[USER_ID]) == [1, 7]
        assert not one.lake.exists(ITEMS)
    names = set(one.replica.store.entries())
    assert len([name for name in names if name.startswith(f"lake/{USERS.name}/") and name.endswith(".parquet")]) == 2


def _item(machine: Machine) -> pl.DataFrame:
    schema = machine.lake.schema(ITEMS)
    return pl.DataFrame([dict.fromkeys(schema) | {"item_id": 1}], schema=schema)


def test_a_checkpoint_of_a_commit_that_was_dropped_goes_too(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    with one.turn():
        one.lake.append(USERS, users(1, 2))
    one.lake.delete(USERS, pl.col(USER_ID) == 1)
    one.lake.purge(USERS)  # with a checkpoint
    with two.turn():
        two.lake.append(USERS, users(7))
    with one.turn():
        assert sorted(one.lake.scan(USERS).collect()[USER_ID]) == [1, 2, 7]
    two.replica.pull()
    assert sorted(two.lake.scan(USERS).collect()[USER_ID]) == [1, 2, 7]


def test_a_rollback_that_could_not_be_shared_is_shared_when_it_is_asked_again(
    machines: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = machines
    one.night(A)
    one.night(B)
    create = Store.create
    monkeypatch.setattr(Store, "create", _raising)
    with pytest.raises(Unreachable):
        one.releases.rollback(A, "by hand")
    monkeypatch.setattr(Store, "create", create)
    assert two.current() == B
    one.releases.rollback(A, "by hand")
    assert two.current() == A


def _raising(*_: object) -> None:
    raise Unreachable("no answer", do="wait")
