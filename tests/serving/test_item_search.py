"""The search alone, over small catalogues."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.contract import Mask
from nightschool.errors import Unavailable
from nightschool.item_columns import ItemColumns
from nightschool.storage import search_index
from nightschool.storage.search_index import SEARCH_INDEX, SearchIndex, publish_search_index
from serving.catalogue import Catalogue
from serving.item_search import ItemSearch
from serving.snapshot import Snapshot
from tests.serving.conftest import Served

TITLES = {
    1: "Introduction to Statistics",
    2: "Machine learning with Python",
    3: "Deep learning",
    4: "C++ for everybody",
    5: "Crème brûlée",
    6: "机器学习基础",
    7: "Python编程入门",
    8: "Cooking",
    9: 'Say "hello" AND don\'t * NEAR(it)',
    10: "",
}
TEXTS = {8: "statistics of soups", 3: "networks 神经网络", 10: None}
LABELS = {1: "Mathematics", 2: "Data Science", 3: "Data Science"}
COLUMNS = ItemColumns(categories=("domain",))
ALL = np.ones(len(TITLES), dtype=bool)


def catalogue() -> Catalogue:
    rows = [
        {"item_id": item, "title": title, "text": TEXTS.get(item), "domain": LABELS.get(item), "withdrawn": False}
        for item, title in TITLES.items()
    ]
    schema = {"item_id": pl.Int64, "title": pl.String, "text": pl.String, "domain": pl.String, "withdrawn": pl.Boolean}
    return Catalogue(pl.DataFrame(rows, schema=schema), COLUMNS)


@pytest.fixture(scope="module")
def search() -> ItemSearch:
    items = catalogue()
    return ItemSearch(SearchIndex.build(items.frame, COLUMNS), items)


def ask(search: ItemSearch, query: str, allowed: Mask = ALL) -> tuple[str | None, list[int]]:
    """How a query matches, and the items, best first."""
    found = search.find(query, allowed)
    order = np.argsort(-found.scores, kind="stable")
    return found.matched, (found.items[order] + 1).tolist()


@pytest.mark.parametrize(
    ("query", "items"),
    [
        ("statistics", [1, 8]),
        ("STATISTICS", [1, 8]),
        ("stat", [1, 8]),
        ("learning machine", [2]),
        ("learning mach", [2]),
        ("data learning", [2, 3]),
        ("creme", [5]),
        ("crème BRU", [5]),
        ("cre\u0300me bru\u0302le\u0301e", [5]),
        ("c++", [4]),
        ("c", [4, 5, 8]),
        ("学习", [6]),
        ("习", [6]),
        ("机器学习基础", [6]),
        ("神经网络", [3]),
        ("python编程", [7]),
        ("ｐｙｔｈｏｎ 入门", [7]),
        ('"hello"', [9]),
        ("don't", [9]),
        ("hello AND", [9]),
        ("NEAR(it", [9]),
        ("  deep \t\n learning  ", [3]),
    ],
)
def test_every_word_must_match_and_the_last_may_go_on(search: ItemSearch, query: str, items: list[int]) -> None:
    matched, found = ask(search, query)
    assert (matched, sorted(found)) == ("all", sorted(items))
    if query == "statistics":
        assert found == items


@pytest.mark.parametrize(
    ("query", "items"),
    [
        ("statistics nonsense", [1, 8]),
        ("nonsense stat", [1, 8]),
        ("brûlée python", [2, 5, 7]),
        ("机器视觉", [6]),
        ("深度学习基础", [6]),
    ],
)
def test_without_any_item_of_every_word_those_with_some_are_found(
    search: ItemSearch, query: str, items: list[int]
) -> None:
    matched, found = ask(search, query)
    assert (matched, sorted(found)) == ("some", items)


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("statitsics", 1),
        ("statstics", 1),
        ("pyhton", 2),
        ("pithon", 2),
        ("cookng", 8),
        ("lerning", 2),
        ("brulle", 5),
        ("macine lerning", 2),
        ("pyton nonsense", 2),
        ("机气", 6),
    ],
)
def test_a_typo_finds_titles_with_similar_words(search: ItemSearch, query: str, best: int) -> None:
    matched, found = ask(search, query)
    assert (matched, found[0]) == ("similar", best)


@pytest.mark.parametrize(
    "query",
    [
        "zzzz",
        "walter",
        "pyton x y z",
        "机魚火木",
        "***",
        "🎓",
        '"',
        "''",
        "()",
        "\0",
        "\ud800",
        "-",
        "^",
        ":",
        "\u0301",
        "魚",
    ],
)
def test_what_resembles_nothing_finds_nothing(search: ItemSearch, query: str) -> None:
    assert ask(search, query) == (None, [])


@pytest.mark.parametrize(
    "query",
    ["stat" * 125, "a " * 250, "学" * 500, "🎓" * 500, '"' * 500, "NEAR(" * 100, "x OR " * 100, "title:statistics"],
    ids=lambda query: query[:8],
)
def test_long_and_odd_queries_are_answered(search: ItemSearch, query: str) -> None:
    search.find(query, ALL)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(query=st.text(max_size=60) | st.text(alphabet="ab\"'*()^:-+ ANDORNEAR学习é\0\ud800{}", max_size=60))
def test_any_text_is_a_query(search: ItemSearch, query: str) -> None:
    found = search.find(query, ALL)
    assert len(found.items) == len(found.scores) == len(np.unique(found.items))
    assert (found.matched is None) == (len(found.items) == 0)
    assert np.isfinite(found.scores).all()


def test_what_is_not_allowed_is_as_if_it_were_not_there(search: ItemSearch) -> None:
    others = ALL.copy()
    others[[0, 7]] = False
    assert ask(search, "statistics", others) == (None, [])
    assert ask(search, "statistics learning", others) == ("some", [2, 3])
    assert ask(search, "lerning", ~others) == (None, [])


def test_items_that_left_the_catalogue_are_not_found() -> None:
    items = catalogue()
    fewer = Catalogue(items.frame.filter(pl.col("item_id") != 1), COLUMNS)
    search = ItemSearch(SearchIndex.build(items.frame, COLUMNS), fewer)
    found = search.find("statistics", np.ones(len(fewer), dtype=bool))
    assert [fewer.ids[item] for item in found.items] == [8]


def answers(snapshot: Snapshot, search: ItemSearch) -> list[object]:
    """What a few queries find of a release."""
    queries = ("statistics", "customer growth", "data vid", "statitsics", "kanban python nonsense")
    found = [search.find(query, snapshot.available) for query in queries]
    return [(each.items.tolist(), each.scores.tolist(), each.matched) for each in found]


def test_a_release_without_an_index_is_searched_alike(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    snapshot, folder = served.snapshot, served.snapshot.lists.path.parent
    expected = answers(snapshot, snapshot.search)
    assert {matched for _, _, matched in expected} == {"all", "some", "similar"}  # type: ignore[misc]
    hashes = {name: value for name, value in served.release.content_hashes.items() if name != SEARCH_INDEX}
    older = served.release.model_copy(update={"content_hashes": hashes})
    assert answers(snapshot, ItemSearch.of(older, folder, snapshot.catalogue)) == expected
    assert caplog.messages == []


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_damaged_index_is_made_anew_and_the_log_tells(
    served: Served, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    snapshot = served.snapshot
    if damage == "changed":
        whole = (snapshot.lists.path.parent / SEARCH_INDEX).read_bytes()
        (tmp_path / SEARCH_INDEX).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with caplog.at_level(logging.WARNING):
        search = ItemSearch.of(served.release, tmp_path, snapshot.catalogue)
    assert answers(snapshot, search) == answers(snapshot, snapshot.search)
    assert "is missing or damaged: made anew" in caplog.messages[0]


def test_a_machine_that_cannot_search_says_so(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "can_index", lambda: False)
    unsearched = replace(served.snapshot, release=served.release.model_copy(update={"content_hashes": {}}))
    with pytest.raises(Unavailable, match="SQLite cannot search"):
        _ = unsearched.search


def test_what_is_related_follows_what_has_the_words(tmp_path: Path) -> None:
    items = catalogue()
    related = pl.Series(["", "", "Statistics of soups", "", "Cooking", "", "", "", "", "Introduction to Statistics"])
    publish_search_index(tmp_path, items.frame, COLUMNS, related)
    search = ItemSearch(SearchIndex(tmp_path / SEARCH_INDEX), items)
    found = search.find("statistics", ALL, related=True)
    order = (found.items[np.argsort(-found.scores)] + 1).tolist()
    assert (found.matched, found.n_related, order[:2], set(order[2:])) == ("all", 2, [1, 8], {3, 10})
    assert (found.scores > 0).all()
    alone = search.find("cooking", np.arange(len(ALL)) != 7, related=True)
    assert (alone.matched, alone.n_related, alone.items.tolist()) == ("related", 1, [4])
    assert search.find("soups", np.arange(len(ALL)) == 2, related=False).matched is None
    assert ask(search, "statistics") == ("all", [1, 8])
