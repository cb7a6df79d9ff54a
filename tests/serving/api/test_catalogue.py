"""The catalogue over a service: ids of every kind, odd words, events of a second ago."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest

from nightschool.columns import ALWAYS, INTERACTIONS, ITEMS, SOURCES
from nightschool.settings import HomePaths
from nightschool.storage.binding import Binding, bind
from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from nightschool.storage.keys import Keys
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Releases
from nightschool.storage.search_index import SEARCH_INDEX
from tests.serving.client import Api
from tests.serving.conftest import copied
from tests.serving.homes import publish
from tests.serving.test_ended import append

ODD_ITEMS = {
    "a/b": "Crème brûlée",
    "course/similar": "机器学习基础",
    "x/y/next": "Pottery",
    "team/users": "Weaving",
    "né & co?#=+%": "Gardening",
}
FIRST = datetime(2020, 2, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def odd(texts: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A service of items with odd ids, each newer than the one before, and all newer than the others."""
    home = copied(texts, tmp_path_factory.mktemp("odd") / "home")
    for place, (item, title) in enumerate(ODD_ITEMS.items()):
        append(home.lake, ITEMS, item_id=item, title=title, available_at=FIRST.replace(day=place + 1))
    publish(home)
    with Api.over(home) as api:
        yield api


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A service of a dataset without times, whose items are known by their ids alone."""
    root = tmp_path_factory.mktemp("bare") / "home"
    paths = HomePaths(root)
    binding = Binding(dataset="gowalla", manifest="gowalla", source_root=root, user_id="Int64", item_id="Int64")
    lake = Lake(paths.lake, binding.user_dtype, binding.item_dtype)
    pairs = ((number, item) for number in range(60) for item in range(number % 7, 20, 1 + number % 3))
    rows = [
        {"user_id": user, "item_id": item, "available_at": ALWAYS, "source_file": "a", "source_row": row}
        for row, (user, item) in enumerate(pairs)
    ]
    lake.append(INTERACTIONS, pl.DataFrame(rows, schema={**lake.schema(INTERACTIONS), **INTERACTIONS.optional}))
    append(lake, SOURCES, file="a", read_at=FIRST)
    bind(paths.binding, binding)
    home = Home(paths, binding, lake, Releases(lake))
    publish(home, {"components": [{"model": "ease"}]})
    with Api.over(home) as api:
        yield api


def ask(api: Api, **query: Any) -> dict[str, Any]:
    answer = api.get("/v1/items", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ids(found: dict[str, Any]) -> list[Any]:
    return [item["item_id"] for item in found["items"]]


def test_ids_may_hold_slashes_and_the_names_of_routes(odd: Api) -> None:
    for item, title in ODD_ITEMS.items():
        for written in (quote(item), quote(item, safe="")):
            for route, field in (("similar", "items"), ("next", "items"), ("users", "users")):
                answer = odd.get(f"/v1/items/{written}/{route}")
                assert (answer.status_code, field in answer.json()) == (200, True), (item, route)
                assert answer.json()["item"]["item_id"] == item
            answer = odd.get(f"/v1/items/{written}")
            if item.endswith(("/similar", "/next", "/users")):
                assert answer.status_code == 404
            else:
                assert (answer.status_code, answer.json()["item"]["title"]) == (200, title)


def test_the_newest_are_first_and_words_find_them(odd: Api) -> None:
    newest = ask(odd, sort="new", k=5)
    assert ids(newest) == [*reversed(ODD_ITEMS)]
    assert newest["items"][0]["known_since"] == "2020-02-05T00:00:00Z"
    for query, item in (("creme", "a/b"), ("学习", "course/similar"), ("potery", "x/y/next"), ("weav", "team/users")):
        assert ids(ask(odd, q=query)) == [item]
    assert ask(odd, q="potery")["matched"] == "similar"
    everything, after = [], ""
    while after is not None:
        found = ask(odd, k=7, **({"after": after} if after else {}))
        everything, after = everything + ids(found), found["next"]
    assert sorted(everything) == sorted(map(str, odd.snapshot.catalogue.ids))


def test_items_that_are_known_by_their_ids_alone_are_listed(bare: Api) -> None:
    found = ask(bare, k=30)
    assert (found["total"], {item["title"] for item in found["items"]}) == (20, {""})
    assert [item["likes"] for item in found["items"]] == sorted(
        (item["likes"] for item in found["items"]), reverse=True
    )
    newest = ask(bare, sort="new")
    assert ids(newest) == sorted(ids(found))
    assert {(item["score"], item["known_since"]) for item in newest["items"]} == {(None, None)}
    assert ask(bare, q="7") == {**ask(bare, q="7"), "total": 0, "items": [], "matched": None, "next": None}
    trending = bare.get("/v1/items?sort=trending")
    assert (trending.status_code, "the data have no times" in trending.json()["detail"]) == (422, True)
    category = bare.get("/v1/items?category=x")
    assert (category.status_code, "leave it out: there is none" in category.json()["detail"]) == (422, True)
    assert bare.get("/v1/items/3").json()["likes"] > 0
    assert bare.get("/v1/items/3/users").json()["users"]


@pytest.mark.parametrize(
    "query",
    [
        *("k=0", "k=201", "k=x", "sort=best", "after=x", "category=nothing", "sort=relevance", "page=2", "category="),
        f"q={'x' * 513}",
    ],
)
def test_parameters_that_do_not_fit_are_refused_with_the_reason(reading: Api, query: str) -> None:
    answer = reading.get(f"/v1/items?{query}")
    assert (answer.status_code, bool(answer.json()["detail"])) == (422, True)


@pytest.mark.parametrize("capacity", ["0", "1001", "x", "-1"])
def test_the_capacity_has_its_bounds(reading: Api, capacity: str) -> None:
    assert reading.get(f"/v1/items/3/users?capacity={capacity}").status_code == 422


@pytest.mark.parametrize(
    "words",
    ["", "%20", "%00", "%FF", '"', "*", "a*b", "NEAR(", "%F0%9F%8E%93", "x" * 512, "%22a%22 OR", "title:a", "-a"],
)
def test_any_words_are_answered(reading: Api, words: str) -> None:
    assert reading.get(f"/v1/items?q={words}").status_code == 200


def test_an_event_of_a_second_ago_counts_and_its_undoing_too(writing: Api) -> None:
    item = ids(ask(writing))[-1]
    before = writing.get(f"/v1/items/{item}/users?capacity=1000").json()
    user = before["users"][0]["user_id"]
    for event in ("complete", "like", "dislike", "hide"):
        taken = writing.send(user, event, item).json()["events"][0]
        after = writing.get(f"/v1/items/{item}/users?capacity=1000").json()
        assert user not in [each["user_id"] for each in after["users"]]
        assert (after["considered"], len(after["users"])) == (before["considered"], len(before["users"]) - 1)
        writing.request("DELETE", f"/v1/events/{taken['event_id']}")
        assert writing.get(f"/v1/items/{item}/users?capacity=1000").json() == before


def test_the_key_of_one_user_finds_items_and_invites_nobody(writing: Api) -> None:
    user = writing.users[0]
    keys = Keys(open_database(writing.service.settings.events_address))
    headers = {"authorization": f"Bearer {keys.add('browser', 'events', user_id=str(user), per_second=1000)}"}
    writing.service.refresh()
    for path in ("/v1/items?q=statistics", "/v1/items/3", "/v1/items/3/similar"):
        assert writing.get(path, headers=headers).status_code == 200
    for path in ("3/users", "3%2Fusers", "3/users%0A", "3/users%20", "3/users?capacity=2", "x/similar/../../3/users"):
        answer = writing.get(f"/v1/items/{path}", headers=headers)
        assert (answer.status_code, "users" in answer.json()) == (403, False), path


def test_a_release_of_before_there_were_indices_is_searched(own_home: Home) -> None:
    release = own_home.releases.current()
    assert release is not None
    with Api.over(own_home) as api:
        expected = ask(api, q="statistics")
    (own_home.paths.serving / release.release_id / SEARCH_INDEX).unlink()
    with Api.over(own_home) as api:
        assert ask(api, q="statistics") == expected


def test_an_index_that_is_lost_while_it_is_served_is_told(writing: Api) -> None:
    assert ask(writing, q="statistics")["total"] > 0
    path: Path = writing.snapshot.lists.path.parent / SEARCH_INDEX
    path.write_bytes(path.read_bytes()[:5_000])
    answer = writing.get("/v1/items?q=statistics")
    assert (answer.status_code, "search index is missing or damaged" in answer.json()["detail"]) == (503, True)
    assert ask(writing)["total"] > 0
