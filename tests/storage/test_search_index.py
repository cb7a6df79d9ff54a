import hashlib
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from nightschool.errors import Unavailable, Unreachable
from nightschool.item_columns import ItemColumns
from nightschool.storage import search_index
from nightschool.storage.search_index import SEARCH_INDEX, SearchIndex, can_index, publish_search_index

COLUMNS = ItemColumns(categories=("domain",), lists=("tags",), skills="skills")
TITLES = ["Statistics for all", "Cooking", "机器学习基础", "Cafe\u0301 Crème", "データ分析", None, None, "Gone"]
ITEMS = pl.DataFrame(
    {
        "item_id": [8, 2, 3, 4, 5, 6, 7, 1],
        "title": TITLES,
        "text": [None, "a book on statistics", "讲授深度学习", None, None, None, "text alone", None],
        "domain": ["Data", "Kitchen", "Data", None, None, None, None, None],
        "tags": [["r", "plots"], [], None, ["statistics"], None, None, None, None],
        "skills": [["inference"], None, None, None, None, None, None, None],
        "withdrawn": [False] * 7 + [True],
    }
)


@pytest.fixture(params=["file", "memory"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> SearchIndex:
    if request.param == "memory":
        return SearchIndex.build(ITEMS, COLUMNS)
    publish_search_index(tmp_path, ITEMS, COLUMNS)
    return SearchIndex(tmp_path / SEARCH_INDEX)


def found(index: SearchIndex, expression: str) -> list[int | str]:
    """The items that a search finds, best first."""
    hits, ids = index.by_words(expression), index.item_ids()
    return [ids[hit["place"] - 1] for hit in sorted(hits, key=lambda hit: -hit["score"])]


def test_it_holds_the_items_that_are_available_and_have_words(index: SearchIndex) -> None:
    assert index.item_ids() == [2, 3, 4, 5, 7, 8]


def test_words_are_found_in_titles_labels_and_text_in_this_order(index: SearchIndex) -> None:
    assert found(index, '"statistics"') == [8, 4, 2]
    assert found(index, '"data"') == [8, 3]
    assert found(index, '"inference"') == [8]
    assert found(index, '"gone"') == []


@pytest.mark.parametrize("word", ["cafe", "CAFÉ", "cafe\u0301", "creme"])
def test_case_and_diacritics_do_not_matter(index: SearchIndex, word: str) -> None:
    assert found(index, f'"{word}"') == [4]


@pytest.mark.parametrize(
    ("query", "items"), [("学 习", [3]), ("器", [3]), ("深 度", [3]), ("分 析", [5]), ("デ ー タ", [5])]
)
def test_any_part_of_a_text_without_spaces_is_found(index: SearchIndex, query: str, items: list[int]) -> None:
    assert found(index, f'"{query}"') == items


def test_trigrams_are_of_the_words_of_titles(index: SearchIndex) -> None:
    ids = index.item_ids()
    for piece, items in ((" st", [8]), ("caf", [4]), ("me ", [4]), (" 机 ", [3]), ("boo", [])):
        assert [ids[hit["place"] - 1] for hit in index.by_trigrams(f'"{piece}"')] == items


WRITER = """
import sys
from pathlib import Path
from nightschool.storage.search_index import publish_search_index
from tests.storage.test_search_index import COLUMNS, ITEMS
print(publish_search_index(Path(sys.argv[1]), ITEMS, COLUMNS)["search.db"])
"""


def test_the_same_items_give_the_same_bytes_in_any_order_and_process(tmp_path: Path) -> None:
    first = publish_search_index(tmp_path, ITEMS, COLUMNS)
    assert first == {SEARCH_INDEX: hashlib.sha256((tmp_path / SEARCH_INDEX).read_bytes()).hexdigest()}
    assert publish_search_index(tmp_path / "other", ITEMS.reverse(), COLUMNS) == first
    command = [sys.executable, "-c", WRITER, str(tmp_path / "third")]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert written.strip() == first[SEARCH_INDEX]
    assert publish_search_index(tmp_path, ITEMS.head(3), COLUMNS) != first
    assert [path.name for path in (tmp_path / "other").iterdir()] == [SEARCH_INDEX]


def test_many_items_give_the_same_bytes_and_the_same_scores(tmp_path: Path) -> None:
    n = 5_000
    many = pl.DataFrame(
        {
            "item_id": [f"item/{place}" for place in range(n)],
            "title": [f"w{place % 7} w{place % 13} 机器{chr(0x4E00 + place % 99)}" for place in range(n)],
            "text": [" ".join(f"t{place * word % 997}" for word in range(1, 40)) for place in range(n)],
            "withdrawn": [place % 50 == 0 for place in range(n)],
        }
    )
    first = publish_search_index(tmp_path / "a", many, ItemColumns())
    assert publish_search_index(tmp_path / "b", many.sample(fraction=1, shuffle=True, seed=1), ItemColumns()) == first
    file, memory = SearchIndex(tmp_path / "a" / SEARCH_INDEX), SearchIndex.build(many, ItemColumns())
    assert file.item_ids() == memory.item_ids()
    assert len(file.item_ids()) == n - n // 50
    for expression in ('"w3" "t5"*', '"w1" OR "机 器"'):
        assert file.by_words(expression).tolist() == memory.by_words(expression).tolist() != []


def test_columns_that_the_items_lack_are_no_labels(tmp_path: Path) -> None:
    publish_search_index(tmp_path, ITEMS.drop("domain", "tags", "skills"), COLUMNS)
    assert found(SearchIndex(tmp_path / SEARCH_INDEX), '"statistics"') == [8, 2]


def test_no_items_are_an_index_without_any(tmp_path: Path) -> None:
    publish_search_index(tmp_path, ITEMS.clear(), COLUMNS)
    index = SearchIndex(tmp_path / SEARCH_INDEX)
    assert index.item_ids() == []
    assert index.by_words('"x"').tolist() == []
    assert index.by_trigrams('"x y"').tolist() == []


@pytest.mark.parametrize("content", [b"", b"half a file", b"x" * 10_000, None], ids=["empty", "short", "long", "none"])
def test_a_file_that_is_missing_or_damaged_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / SEARCH_INDEX
    if content is not None:
        path.write_bytes(content)
    for ask in (SearchIndex(path).item_ids, lambda: SearchIndex(path).by_words('"x"')):
        with pytest.raises(Unreachable, match="search index is missing or damaged"):
            ask()


def test_a_file_that_was_cut_short_is_told(tmp_path: Path) -> None:
    publish_search_index(tmp_path, ITEMS, COLUMNS)
    path = tmp_path / SEARCH_INDEX
    path.write_bytes(path.read_bytes()[:5_000])
    with pytest.raises(Unreachable, match="search index is missing or damaged"):
        SearchIndex(path).by_words('"statistics"')


def test_a_machine_whose_sqlite_cannot_search_publishes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_index()
    publish_search_index(tmp_path, ITEMS, COLUMNS)
    monkeypatch.setattr(search_index, "can_index", lambda: False)
    assert publish_search_index(tmp_path, ITEMS, COLUMNS) == {}
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Unavailable, match="SQLite cannot search"):
        SearchIndex.build(ITEMS, COLUMNS)


def test_related_words_find_an_item_too_but_not_as_its_own(tmp_path: Path) -> None:
    related = pl.Series(["soups and 机器", "", None, "", "", "statistics for all", "", "soups"])
    publish_search_index(tmp_path, ITEMS, COLUMNS, related)
    index = SearchIndex(tmp_path / SEARCH_INDEX)
    assert index.item_ids() == [2, 3, 4, 5, 6, 7, 8]
    ids = [None, *index.item_ids()]
    for expression, items in (('"soups"', {8}), ('"statistics"', {6}), ('"机 器"', {8}), ('"sou"*', {8})):
        assert {ids[hit["place"]] for hit in index.by_related_words(expression)} == items
    assert found(index, '"statistics"') == [8, 4, 2]
    assert found(index, '"soups"') == []


def test_an_index_from_before_it_held_related_words_is_searched(tmp_path: Path) -> None:
    path = tmp_path / "before.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE items (place INTEGER PRIMARY KEY, item_id)")
        connection.execute("CREATE VIRTUAL TABLE words USING fts5 (title, labels, text, content='')")
        connection.execute("INSERT INTO items VALUES (1, 7)")
        connection.execute("INSERT INTO words (rowid, title, labels, text) VALUES (1, 'Statistics', '', '')")
        connection.commit()
    index = SearchIndex(path)
    assert found(index, '"statistics"') == [7]
    assert index.by_related_words('"statistics"').tolist() == []
