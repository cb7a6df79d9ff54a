from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.exceptions import GenericError, PreconditionError
from obstore.store import LocalStore

from nightschool.errors import ConfigurationError, Unreachable
from nightschool.storage.store import Store
from tests.storage.stores import in_memory, make_bucket, s3_server


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with s3_server() as variables:
        yield variables


@pytest.fixture(params=["memory", "s3"])
def store(request: pytest.FixtureRequest, server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Store:
    if request.param == "memory":
        return in_memory()
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{abs(hash(request.node.name))}"
    make_bucket(bucket)
    return Store.at(f"s3://{bucket}/some/prefix")


def test_what_is_put_is_read_listed_fetched_and_deleted(store: Store, tmp_path: Path) -> None:
    tag = store.put("a/b", b"one")
    (tmp_path / "file").write_bytes(b"two" * 1000)
    store.put("a/c", tmp_path / "file")
    assert store.read("a/b") == (b"one", tag)
    assert {name: entry.size for name, entry in store.entries("a").items()} == {"a/b": 3, "a/c": 3000}
    entry = store.entry("a/b")
    assert entry is not None
    assert (entry.size, entry.tag) == (3, tag)
    store.fetch("a/c", tmp_path / "new" / "copy")
    assert (tmp_path / "new" / "copy").read_bytes() == b"two" * 1000
    store.delete(["a/b", "a/c", "a/none"])
    assert store.entries() == {}


def test_what_is_not_there_is_none_or_told(store: Store, tmp_path: Path) -> None:
    assert store.read("none") is None
    assert store.entry("none") is None
    with pytest.raises(Unreachable, match="has no none"):
        store.fetch("none", tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_of_two_who_create_an_object_one_is_refused(store: Store) -> None:
    assert store.create("log/1", b"mine")
    assert not store.create("log/1", b"theirs")
    assert store.create("log/1", b"mine")  # as after an answer that was lost


def test_an_object_is_swapped_by_who_knows_its_tag(store: Store) -> None:
    first = store.put("lease", b"1")
    second = store.swap("lease", b"2", first)
    assert second is not None
    assert store.swap("lease", b"3", first) is None
    assert store.swap("lease", b"2", first) == second  # as after an answer that was lost
    assert store.swap("none", b"1", first) is None


def test_the_clock_is_the_stores(store: Store) -> None:
    assert store.now() <= store.now()
    assert store.now().tzinfo is not None


def test_a_store_with_conditional_writes_passes(store: Store) -> None:
    store.require_conditional()
    assert not store.entries("_probe")


def test_a_store_that_overwrites_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put = obstore.put

    def careless(objects: Any, name: str, content: Any, **_: Any) -> Any:
        return put(objects, name, content)

    monkeypatch.setattr("nightschool.storage.store.obstore.put", careless)
    with pytest.raises(ConfigurationError, match="overwrites what it was asked to create"):
        store.require_conditional()


def test_a_store_that_cannot_swap_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        Store(LocalStore(tmp_path), "file:///somewhere").require_conditional()


def test_a_missing_bucket_is_told(server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    for ask in (lambda store: store.put("a", b"1"), lambda store: store.entries(), lambda store: store.now()):
        with pytest.raises(Unreachable, match=r"in s3://no-such-bucket") as told:
            ask(Store.at("s3://no-such-bucket"))
        assert "test" not in str(told.value).replace("no-such", "")


@pytest.mark.parametrize("address", ["", "bucket", "ftp://x/y", "s3://"])
def test_an_address_of_no_store_is_told(address: str) -> None:
    with pytest.raises(ConfigurationError, match="no store can be opened there"):
        Store.at(address)


def test_failures_are_told_with_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    store = in_memory()
    monkeypatch.setattr("nightschool.storage.store.obstore.put", _failing(GenericError("500 after 10 tries\nmore")))
    with pytest.raises(Unreachable, match=r"cannot write a/b in memory://test.*saw '500 after 10 tries'"):
        store.put("a/b", b"")
    monkeypatch.setattr("nightschool.storage.store.obstore.put", _failing(PreconditionError("412")))
    assert not store.create("a/b", b"")


def _failing(error: Exception) -> Any:
    def put(*_: Any, **__: Any) -> None:
        raise error

    return put
