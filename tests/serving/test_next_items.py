import numpy as np
import polars as pl
import pytest

from nightschool.columns import ITEM_ID, NEIGHBOR_ID, NEXT_ITEMS, RANK, SHARE, SUPPORT
from nightschool.errors import NotFound
from nightschool.storage.home import Home
from nightschool.storage.release import Release
from nightschool.storage.releases import Releases
from nightschool.storage.serving_files import lists_path
from nightschool.storage.verify import verify_release
from serving.next_items import next_items, study_next
from serving.snapshot import Snapshot
from serving.user_state import UserState
from tests.serving.conftest import Served, opened
from tests.serving.sent import history, learner, stored


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


def rows_of(served: Served) -> pl.DataFrame:
    return served.home.lake.scan(NEXT_ITEMS, served.release.release_id).sort(ITEM_ID, RANK).collect()


def test_what_follows_an_item_is_the_tables(served: Served) -> None:
    rows = rows_of(served)
    item = rows[ITEM_ID][0]
    own = rows.filter(pl.col(ITEM_ID) == item)
    found = next_items(served.snapshot, item, 200)
    assert found.item.item_id == item
    assert [each.item_id for each in found.items] == own[NEIGHBOR_ID].to_list()
    assert [(each.rank, each.share, each.support) for each in found.items] == own.select(RANK, SHARE, SUPPORT).rows()
    assert len(next_items(served.snapshot, item, 2).items) == 2
    with pytest.raises(NotFound, match="no such item; saw 'x'"):
        next_items(served.snapshot, "x", 3)


def allowed(snapshot: Snapshot, user: UserState) -> np.ndarray:
    return user.unseen(len(snapshot.catalogue)) & snapshot.available


def test_study_next_follows_the_newest_liked_item_and_leaves_out_what_was_seen(served: Served) -> None:
    snapshot, rows = served.snapshot, rows_of(served)
    user = learner(snapshot)
    seen = history(snapshot, user)
    unseen = rows.filter(~pl.col(ITEM_ID).is_in([*seen]), ~pl.col(NEIGHBOR_ID).is_in([*seen]))
    item = next(item for (item,), own in unseen.group_by(ITEM_ID, maintain_order=True) if own.height > 1)
    state = UserState.of(snapshot, user, stored(snapshot, (item, "complete"), user=user))
    expected = [other for other in rows.filter(pl.col(ITEM_ID) == item)[NEIGHBOR_ID] if other not in seen]
    found = study_next(snapshot, state, allowed(snapshot, state), 3)
    assert found is not None
    assert (found.item.item_id, [each.item_id for each in found.items]) == (item, expected[:3])
    hidden = stored(snapshot, (item, "complete"), (expected[0], "hide"), user=user)
    state = UserState.of(snapshot, user, hidden)
    found = study_next(snapshot, state, allowed(snapshot, state), 3)
    assert found is not None
    assert (found.item.item_id, found.items[0].item_id) == (item, expected[1])


def test_nothing_is_next_without_a_liked_item_or_where_nothing_may_be_shown(snapshot: Snapshot) -> None:
    nobody = UserState.of(snapshot, 999_999, stored(snapshot, (3, "hide")))
    assert study_next(snapshot, nobody, allowed(snapshot, nobody), 3) is None
    state = UserState.of(snapshot, learner(snapshot), ())
    assert study_next(snapshot, state, np.zeros(len(snapshot.catalogue), dtype=bool), 3) is None


def as_before(home: Home) -> Release:
    """The home's release as one that was made before releases said what follows an item."""
    release = home.releases.current()
    assert release is not None
    lists_path(home.paths.serving, release.release_id, NEXT_ITEMS).unlink()
    home.lake.drop_release(NEXT_ITEMS, release.release_id)
    hashes, counts = (
        {name: value for name, value in given.items() if name != NEXT_ITEMS.name}
        for given in (release.content_hashes, release.row_counts)
    )
    return release.model_copy(update={"content_hashes": hashes, "row_counts": counts})


def test_a_release_made_before_is_served_and_whole_without_it(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    release = as_before(own_home)
    snapshot = opened(own_home, release).snapshot
    assert snapshot.next_items is None
    assert next_items(snapshot, 3, 10).items == []
    state = UserState.of(snapshot, learner(snapshot), ())
    assert study_next(snapshot, state, allowed(snapshot, state), 3) is None
    own_home.releases.require_whole(release)
    monkeypatch.setattr(Releases, "stored", lambda _: [release])
    assert verify_release(own_home, release.release_id).state == "intact"
