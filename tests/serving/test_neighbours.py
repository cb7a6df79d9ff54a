import pytest

from nightschool.errors import NotFound
from serving.neighbours import similar_items, similar_users
from tests.serving.conftest import Served
from tests.serving.sent import learner


def test_neighbours_are_the_releases_in_its_order(served: Served) -> None:
    snapshot = served.snapshot
    item = snapshot.similar_items.keys[0]
    columns = snapshot.similar_items.columns_of(item)
    assert columns is not None
    assert [near.item_id for near in similar_items(snapshot, item, 3).items] == columns["neighbor_id"][:3]
    assert [near.rank for near in similar_users(snapshot, learner(snapshot), "combined", 10).users][:3] == [1, 2, 3]
    assert similar_users(snapshot, 999_999, "combined", 10).users == []


def test_an_item_that_is_none_is_told(served: Served) -> None:
    with pytest.raises(NotFound, match="no such item; saw 'x'"):
        similar_items(served.snapshot, "x", 3)
