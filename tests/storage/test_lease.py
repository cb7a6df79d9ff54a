import json
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from nightschool.errors import Busy, Unreachable
from nightschool.storage.lease import LEASE, TERM, leased
from nightschool.storage.store import Store
from tests.storage.stores import in_memory


def held(store: Store) -> dict[str, Any]:
    found = store.read(LEASE)
    assert found is not None
    return dict(json.loads(found[0]))


def run_out(store: Store) -> None:
    """The holder is gone: the lease has run out by the store's clock."""
    until = (store.now() - timedelta(seconds=1)).isoformat()
    store.put(LEASE, json.dumps({**held(store), "until": until}).encode())


def test_one_holds_it_and_gives_it_back() -> None:
    store = in_memory()
    with leased(store) as lease:
        assert (lease.token, lease.taken_over) == (1, False)
        assert held(store)["until"] is not None
        with pytest.raises(Busy, match=r"the lease of memory://test is held.*process \d+"), leased(store):
            pass
    assert held(store)["until"] is None
    with leased(store) as lease:
        assert (lease.token, lease.taken_over) == (2, False)


def test_it_is_taken_over_once_it_has_run_out_and_its_holder_is_told() -> None:
    store = in_memory()
    with leased(store) as first:
        run_out(store)
        with leased(store) as second:
            assert (second.token, second.taken_over) == (2, True)
            with pytest.raises(Busy, match=r"the lease of memory://test was lost"):
                first.require()
            second.require()
            second.fenced = True
        assert held(store)["token"] == 2
    # Who lost it gives nothing back.
    assert held(store) == {**held(store), "token": 2, "until": None}


def test_who_took_over_and_did_not_fence_leaves_that_to_the_next() -> None:
    store = in_memory()
    with leased(store):
        run_out(store)
        with leased(store) as second:
            assert second.taken_over
        with leased(store) as third:
            assert third.taken_over
            third.fenced = True
        with leased(store) as fourth:
            assert not fourth.taken_over


def test_a_renewal_whose_answer_was_an_error_does_not_lose_it() -> None:
    store = in_memory()
    with leased(store) as lease:
        content = json.dumps({**held(store), "until": store.now().isoformat()}).encode()
        store.put(LEASE, content)  # written, and not told
        lease.require()
        assert not lease.lost


def test_a_lost_lease_stays_lost() -> None:
    store = in_memory()
    with leased(store) as first:
        run_out(store)
        with leased(store):
            pass
        for _ in range(2):
            with pytest.raises(Busy):
                first.require()


def test_it_is_renewed_meanwhile() -> None:
    store, renewed = in_memory(), Event()
    swap = store.swap

    def told(name: str, content: bytes, tag: str) -> str | None:
        renewed.set()
        return swap(name, content, tag)

    store.swap = told  # type: ignore[method-assign]
    with leased(store, every=timedelta(milliseconds=5)) as lease:
        before = lease.until
        assert renewed.wait(10)
        lease.require()
        assert before <= lease.until <= store.now() + TERM


def test_a_store_that_is_silent_for_a_while_does_not_lose_it(caplog: pytest.LogCaptureFixture) -> None:
    store, silent, heard = in_memory(), Event(), Event()
    swap = store.swap

    def flaky(name: str, content: bytes, tag: str) -> str | None:
        if silent.is_set():
            heard.set()
            raise Unreachable("no answer", do="wait")
        return swap(name, content, tag)

    store.swap = flaky  # type: ignore[method-assign]
    with leased(store, every=timedelta(milliseconds=5)) as lease:
        silent.set()
        assert heard.wait(10)
        silent.clear()
        lease.require()
    assert "the lease cannot be renewed: no answer" in caplog.text
