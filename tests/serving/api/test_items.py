"""Neighbours of items, as the night published them."""

import polars as pl

from nightschool.columns import ITEM_ID, NEIGHBOR_ID, NEXT_ITEMS, RANK, SHARE, SIMILAR_ITEMS
from tests.serving.client import Api


def test_neighbours_are_the_tables(reading: Api) -> None:
    release = reading.snapshot.release.release_id
    rows = reading.home.lake.scan(SIMILAR_ITEMS, release).sort(ITEM_ID, RANK).collect()
    for item in rows[ITEM_ID].unique().to_list()[:20]:
        expected = rows.filter(pl.col(ITEM_ID) == item)[NEIGHBOR_ID].to_list()
        answer = reading.get(f"/v1/items/{item}/similar?k=200").json()
        assert [each["item_id"] for each in answer["items"]] == expected
        assert [each["rank"] for each in answer["items"]] == list(range(1, len(expected) + 1))
        assert answer["item"]["item_id"] == item
        assert answer["release_id"] == release
        assert len(reading.get(f"/v1/items/{item}/similar?k=3").json()["items"]) == min(3, len(expected))


def test_what_follows_an_item_is_the_tables(reading: Api) -> None:
    rows = reading.home.lake.scan(NEXT_ITEMS, reading.snapshot.release.release_id).sort(ITEM_ID, RANK).collect()
    for item in rows[ITEM_ID].unique().to_list()[:10]:
        expected = rows.filter(pl.col(ITEM_ID) == item)
        answer = reading.get(f"/v1/items/{item}/next?k=200").json()
        assert [each["item_id"] for each in answer["items"]] == expected[NEIGHBOR_ID].to_list()
        assert [each["share"] for each in answer["items"]] == expected[SHARE].to_list()
        assert answer["item"]["item_id"] == item
        assert len(reading.get(f"/v1/items/{item}/next?k=1").json()["items"]) == 1
    assert reading.get("/v1/items/987654/next").status_code == 404


def test_an_item_that_nobody_knows_is_not_found(reading: Api) -> None:
    answer = reading.get("/v1/items/987654/similar")
    assert (answer.status_code, "no such item; saw '987654'" in answer.json()["detail"]) == (404, True)
