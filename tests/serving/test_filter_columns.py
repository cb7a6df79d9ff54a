from datetime import UTC, date, datetime

import polars as pl
import pytest

from nightschool.item_columns import ItemColumns
from serving.filter_columns import Column, filter_columns, quoted

LEVELS = ("Beginner", "Intermediate", "Advanced")
NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
ITEMS = pl.DataFrame(
    {
        "item_id": [1, 2],
        "title": ["a", None],
        "text": ["words", None],
        "withdrawn": [False, None],
        "difficulty": ["Advanced", "Odd"],
        "kind": pl.Series(["a", "b"], dtype=pl.Categorical),
        "skills": [["sql"], None],
        "sizes": pl.Series([[1.5], []], dtype=pl.List(pl.Float64)),
        "list price": [1.5, float("nan")],
        "free": [True, None],
        "available_at": [NOW, None],
        "day": [date(2026, 1, 31), None],
        "nested": [{"a": 1}, None],
    }
)
COLUMNS = filter_columns(ITEMS.schema, ItemColumns(categories=("kind",), ordinals={"difficulty": LEVELS}))


def test_what_columns_hold_follows_from_their_dtypes_and_the_manifest() -> None:
    assert {name: column.held for name, column in COLUMNS.items()} == {
        "item_id": "numbers",
        "title": "text",
        "difficulty": "levels",
        "kind": "text",
        "skills": "lists of text",
        "sizes": "lists of numbers",
        "list price": "numbers",
        "free": "true or false",
        "available_at": "times",
        "day": "times",
    }


def test_prepared_values_are_levels_by_rank_no_nan_and_lists_without_gaps() -> None:
    prepared = ITEMS.select(column.prepared() for column in COLUMNS.values())
    assert prepared.rows() == [
        (1, "a", 2, "a", ["sql"], [1.5], 1.5, True, NOW, NOW.replace(hour=0)),
        (2, None, None, "b", [], [], None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("title", "a", "a"),
        ("title", 1, None),
        ("title", None, None),
        ("difficulty", "Intermediate", 1),
        ("difficulty", "intermediate", None),
        ("difficulty", 1, None),
        ("skills", "sql", "sql"),
        ("item_id", 3.0, 3),
        ("item_id", 3.5, 3.5),
        ("item_id", True, None),
        ("item_id", "3", None),
        ("list price", 3, 3.0),
        ("free", False, False),
        ("free", 0, None),
        ("available_at", "2026-01-31T09:00+01:00", NOW),
        ("available_at", "2026-01-31", NOW.replace(hour=0)),
        ("available_at", "soon", None),
        ("available_at", "0001-01-01T00:00+14:00", None),
        ("available_at", 2026, None),
    ],
)
def test_values_fit_what_a_column_holds_or_do_not(name: str, value: object, expected: object) -> None:
    found = COLUMNS[name].comparable(value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("title", 'write title == "Design"'),
        ("difficulty", 'write difficulty <= with one of "Beginner", "Intermediate", "Advanced"'),
        ("skills", 'write "Design" in skills'),
        ("sizes", "write 20 in sizes"),
        ("list price", 'write item["list price"] < 20'),
        ("free", "write free == true"),
        ("available_at", 'write available_at >= "2026-01-31"'),
    ],
)
def test_how_a_column_is_compared(name: str, usage: str) -> None:
    assert COLUMNS[name].usage == usage


def test_a_name_is_written_so_that_it_can_be_read() -> None:
    assert [Column(name, "flag", pl.Boolean()).written for name in ("a", "ä_1", "a b", 'a"\\b', "class")] == [
        "a",
        "ä_1",
        'item["a b"]',
        'item["a\\"\\\\b"]',
        'item["class"]',
    ]
    assert quoted('a"\\b') == '"a\\"\\\\b"'


def test_vectors_are_no_columns_of_filters() -> None:
    items = pl.DataFrame({"item_id": [1], "image": [[0.5]], "sizes": [[0.5]]})
    assert set(filter_columns(items.schema, ItemColumns(vectors=("image",)))) == {"item_id", "sizes"}
