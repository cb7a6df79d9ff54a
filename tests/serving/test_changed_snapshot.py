"""A release over a catalogue that changed: what models know stays where it is, and new items follow."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nightschool.columns import AVAILABLE_AT, ITEM_ID, TEXT, TITLE, WITHDRAWN
from nightschool.ranking.self_attention import SelfAttention
from serving.answers import ListRequest, make_list
from serving.changed_snapshot import ChangedSnapshot
from serving.rules import Rules
from serving.user_state import UserState
from tests.serving.conftest import Served

NEW = 9_001


@pytest.fixture(scope="module")
def changed(served: Served) -> ChangedSnapshot:
    """A release with a renamed item, a withdrawn one and a new one."""
    frame = served.snapshot.catalogue.frame
    rows = pl.concat([frame.head(2), frame.tail(1)]).with_columns(
        pl.Series(ITEM_ID, [*frame[ITEM_ID].head(2), NEW]),
        *(pl.Series(name, ["Renamed", "Withdrawn", "New"]) for name in (TITLE, TEXT)),
        pl.Series(WITHDRAWN, [False, True, False]),
    )
    return ChangedSnapshot.over(served.snapshot, served.snapshot, rows, served.snapshot.users)


def test_items_keep_their_positions(served: Served, changed: ChangedSnapshot) -> None:
    before, after = served.snapshot.catalogue, changed.catalogue
    assert after.ids == [*before.ids, NEW]
    assert [after.describe(item_id)["title"] for item_id in (*after.ids[:2], NEW)] == ["Renamed", "Withdrawn", "New"]
    assert after.describe(after.ids[2]) is before.describe(before.ids[2])
    assert after.frame.height == len(after)
    assert changed.gone == {after.ids[1]}


def test_arrays_have_a_place_for_each_item(served: Served, changed: ChangedSnapshot) -> None:
    base, n = served.snapshot, len(changed.catalogue)
    assert {each.matrix.shape for each in changed.weights.values()} == {(n, n)}
    for name, each in changed.weights.items():
        assert (each.matrix[: n - 1, : n - 1] != base.weights[name].matrix).nnz == 0
        assert each.matrix[[n - 1]].nnz == each.matrix[:, [n - 1]].nnz == 0
    assert changed.popularity.tolist() == [*base.popularity.tolist(), 0]
    activity = changed.activity
    assert activity.known_since[-1] == changed.changed[AVAILABLE_AT][-1].replace(tzinfo=None)
    assert np.array_equal(activity.known_since[:-1], base.activity.known_since, equal_nan=True)
    assert activity.trends is None or len(activity.trends.scores) == len(activity.trends.recent) == n
    assert changed.curriculum.follows.shape == (n, n)
    assert len(changed.available) == n


def test_a_network_knows_no_new_item(served: Served) -> None:
    base = served.snapshot
    empty = np.zeros((0, 0), dtype=np.float32)
    network = SelfAttention(np.arange(len(base.catalogue), dtype=np.int32), *(empty for _ in range(6)))
    base = replace(base, networks={"sasrec": network})
    row = base.catalogue.frame.head(1).with_columns(pl.lit(NEW, pl.Int64).alias(ITEM_ID))
    made = ChangedSnapshot.over(base, base, row, base.users)
    assert made.networks["sasrec"].items.tolist() == [*range(len(base.catalogue)), -1]


def test_every_way_to_make_a_list_goes_on(served: Served, changed: ChangedSnapshot) -> None:
    gone = changed.catalogue.ids[1]
    for user_id in served.snapshot.lists.keys.to_list()[:20]:
        for rules in (Rules(), Rules(diversity=0.4), Rules(alpha=0.3), Rules(quota=1)):
            made = make_list(changed, user_id, rules, ListRequest(k=100))
            assert gone not in [entry["item_id"] for entry in made]
    session = UserState.of_session(changed.catalogue.positions([NEW]))
    assert make_list(changed, session, Rules(), ListRequest())


def test_a_search_finds_items_as_they_are(served: Served, changed: ChangedSnapshot) -> None:
    ids = changed.catalogue.ids
    for query, found in (("renamed", [ids[0]]), ("new", [NEW])):
        assert [ids[item] for item in changed.search.find(query, changed.available).items] == found
    everything = np.ones(len(ids), dtype=bool)
    for item_id in ids[:2]:
        title = served.snapshot.catalogue.describe(item_id)["title"]
        assert [ids[item] for item in served.snapshot.search.find(title, everything[:-1]).items] == [item_id]
        hits = changed.search.find(title, everything)
        assert item_id not in [ids[item] for item in hits.items] or hits.matched != "all"
