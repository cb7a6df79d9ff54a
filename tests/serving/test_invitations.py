"""Whom to invite, beside a plain loop over all pools."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import RECOMMENDATIONS
from nightschool.data.manifest.manifest import load_manifest
from nightschool.errors import NotFound, Unreachable
from nightschool.privacy.erase import begin_erasure, erase_rows
from nightschool.storage.database import open_database
from nightschool.storage.erasure_log import Erasure, Erasures
from nightschool.storage.events import EventStore, Sent
from nightschool.storage.home import Home
from nightschool.storage.verify import verify_release
from serving.candidate_pools import CandidatePools
from serving.feedback import Feedback
from serving.invitations import users_to_invite
from serving.schemas.catalogue import Invitations
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from tests.serving.conftest import Served
from tests.serving.homes import current_of, settings_of


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


@pytest.fixture
def store(tmp_path: Path) -> EventStore:
    return EventStore(open_database(f"sqlite:///{tmp_path / 'events.db'}"))


def nobody(_: Iterable[ExternalId]) -> set[ExternalId]:
    return set()


def invite(snapshot: Snapshot, store: EventStore, item: ExternalId, capacity: int = 1000) -> Invitations:
    return users_to_invite(snapshot, Feedback(store), nobody, item, capacity)


def invited(found: Invitations) -> list[ExternalId]:
    return [user.user_id for user in found.users]


def offered(served: Served) -> ExternalId:
    """The item that most lists begin with."""
    lists = served.home.lake.scan(RECOMMENDATIONS, served.release.release_id).filter(pl.col("rank") == 1)
    item: ExternalId = lists.group_by("item_id").len().sort("len", "item_id").collect()["item_id"][-1]
    return item


def expected(served: Served, item: ExternalId) -> dict[ExternalId, float]:
    """User to the blend of the item's z-scores, by a loop."""
    scores: dict[ExternalId, float] = {}
    for user in served.snapshot.lists.keys.to_list():
        pool = served.snapshot.pools.of(user)
        rows = [] if pool is None else [row for row in pool.iter_rows(named=True) if row["item_id"] == item]
        if rows:
            scores[user] = 0.7 * rows[0]["ease"] + 0.3 * rows[0]["content"]
    return scores


def test_the_users_whose_blend_scores_it_highest_come_first(served: Served, store: EventStore) -> None:
    snapshot, item = served.snapshot, offered(served)
    scores = expected(served, item)
    found = invite(snapshot, store, item)
    assert (found.item.item_id, found.considered, len(found.users)) == (item, len(scores), len(scores))
    assert invited(found) == sorted(scores, key=lambda user: (-scores[user], user))
    assert [user.score for user in found.users] == pytest.approx([scores[user] for user in invited(found)], abs=1e-6)
    assert [user.rank for user in found.users] == [*range(1, len(scores) + 1)]
    places = {user.user_id: user.place for user in found.users}
    for user, place in places.items():
        listed = snapshot.lists.columns_of(user)
        assert listed is not None
        assert (place is None) == (item not in listed["item_id"])
        assert place is None or listed["item_id"][place - 1] == item
    assert {*places.values()} > {None, 1}
    few = invite(snapshot, store, item, 3)
    assert (few.considered, few.users) == (found.considered, found.users[:3])


def test_equal_scores_are_in_the_order_of_ids(snapshot: Snapshot, store: EventStore, tmp_path: Path) -> None:
    users = [9, 3, 7, 5]
    rows = pl.DataFrame({"user_id": sorted(users), "item_id": [7] * 4, "ease": [1.0] * 4, "content": [0.5] * 4})
    rows.write_parquet(tmp_path / "pool")
    flat = replace(snapshot, pools=CandidatePools([tmp_path / "pool"]))
    assert [user for user in invited(invite(flat, store, 7)) if user in users] == [
        user for user in sorted(users) if 7 not in (snapshot.histories.columns_of(user) or {"item_id": []})["item_id"]
    ]


def test_whom_the_release_knows_to_have_met_the_item_is_not_invited(
    snapshot: Snapshot, store: EventStore, tmp_path: Path
) -> None:
    user = snapshot.histories.keys[0]
    met = snapshot.histories.columns_of(user)
    assert met is not None
    item = met["item_id"][0]
    rows = pl.DataFrame({"user_id": [user, 999_999], "item_id": [item] * 2, "ease": [2.0, 1.0], "content": [0.0] * 2})
    rows.write_parquet(tmp_path / "pool")
    odd = replace(snapshot, pools=CandidatePools([tmp_path / "pool"]))
    found = invite(odd, store, item)
    assert (found.considered, invited(found)) == (2, [999_999])


@pytest.mark.parametrize("event", ["complete", "like", "dislike", "hide"])
def test_whoever_did_something_with_it_since_is_not_invited_until_they_take_it_back(
    served: Served, store: EventStore, event: str
) -> None:
    item = offered(served)
    before = invited(invite(served.snapshot, store, item))
    first, second = before[:2]
    now = datetime.now(UTC)
    store.append([Sent("a", str(first), str(item), event, now), Sent("b", str(second), str(item), "view", now)])
    store.append([Sent("c", str(second), "other", event, now)])
    found = invite(served.snapshot, store, item)
    assert (found.considered, invited(found)) == (len(before), before[1:])
    assert invited(invite(served.snapshot, store, item, 1)) == [second]
    store.undo("a", str(first))
    assert invited(invite(served.snapshot, store, item)) == before


def test_an_item_in_no_pool_has_nobody_to_invite(snapshot: Snapshot, store: EventStore) -> None:
    empty = replace(snapshot, pools=CandidatePools([]))
    found = invite(empty, store, snapshot.catalogue.ids[0])
    assert (found.considered, found.users) == (0, [])
    for unknown in (987_654, "x"):
        with pytest.raises(NotFound, match="no such item"):
            invite(snapshot, store, unknown)


def test_whom_the_home_forgets_is_not_invited_from_the_first_moment_on(own_home: Home, store: EventStore) -> None:
    current = current_of(settings_of(own_home))
    current.refresh()
    snapshot, manifest = current.snapshot, load_manifest(own_home.binding.manifest)
    item = snapshot.catalogue.ids[0]

    def ask() -> list[ExternalId]:
        return invited(users_to_invite(current.snapshot, Feedback(store), current.erased, item, 1000))

    before = ask()
    tombstone = Erasure(user_id=before[0], erased_at=datetime.now(UTC), removed={}, content_hashes={}, row_counts={})
    Erasures(own_home.lake).note(tombstone)
    assert ask() == before[1:]
    erase_rows(own_home, manifest, begin_erasure(own_home, manifest, before[1], datetime.now(UTC)))
    with pytest.raises(Unreachable, match="being replaced"):
        ask()
    current.refresh()
    assert ask() == before[2:]
    verified = verify_release(own_home, snapshot.release.release_id)
    assert (verified.state, verified.parts["search.db"]) == ("erased", "intact")
