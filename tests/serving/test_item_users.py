"""Who met an item, beside a plain loop over all histories."""

from collections.abc import Iterable

import pytest

from nightschool.errors import NotFound
from nightschool.storage.home import Home
from nightschool.storage.release_reader import Reader
from serving.item_users import item_users
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from tests.serving.conftest import Served


def nobody(_: Iterable[ExternalId]) -> set[ExternalId]:
    return set()


def by_loop(snapshot: Snapshot, item_id: ExternalId) -> set[ExternalId]:
    users = snapshot.histories.keys.to_list()
    return {user for user in users if item_id in (snapshot.histories.columns_of(user) or {})["item_id"]}


def test_everybody_whose_history_holds_the_item_is_counted_the_newest_first(served: Served) -> None:
    snapshot = served.snapshot
    for item_id in snapshot.catalogue.ids[:40:8]:
        found = item_users(snapshot, nobody, item_id, 1_000)
        assert {user.user_id for user in found.newest} == by_loop(snapshot, item_id)
        assert found.n_users == len(found.newest)
        times = [user.met.at for user in found.newest]
        assert times == sorted(times, reverse=True)
        assert len(item_users(snapshot, nobody, item_id, 2).newest) == min(2, found.n_users)


def test_who_was_erased_is_neither_named_nor_counted(served: Served) -> None:
    item_id = served.snapshot.catalogue.ids[0]
    everybody = item_users(served.snapshot, nobody, item_id, 1_000)
    gone = everybody.newest[0].user_id
    found = item_users(served.snapshot, lambda _: {gone}, item_id, 1_000)
    assert found.newest == everybody.newest[1:]
    assert found.n_users == everybody.n_users - 1


def test_ids_may_be_texts(texts: Home) -> None:
    release = texts.releases.current()
    assert release is not None
    snapshot = Snapshot.load(Reader(texts, release))
    item_id = snapshot.catalogue.ids[0]
    assert {user.user_id for user in item_users(snapshot, nobody, item_id, 1_000).newest} == by_loop(snapshot, item_id)


def test_an_unknown_item_is_refused(served: Served) -> None:
    with pytest.raises(NotFound, match="no such item"):
        item_users(served.snapshot, nobody, "nothing", 1)
