from time import perf_counter

import numpy as np
import polars as pl
import pytest

from nightschool.errors import ConfigurationError
from nightschool.item_columns import ItemColumns
from serving import filtered_items
from serving.filtered_items import FilteredItems

ITEMS = pl.DataFrame(
    {
        "item_id": ["c", "a", "b"],
        "tags": [["x", "y", None], [], ["y"]],
        "sizes": [[1, 2], None, [2]],
        "price": [1, 2, 3],
    }
)


@pytest.fixture
def filtered() -> FilteredItems:
    return FilteredItems(ITEMS, ItemColumns(lists=("tags",)))


def test_masks_stand_by_position(filtered: FilteredItems) -> None:
    assert [*filtered.columns] == ["item_id", "tags", "sizes", "price"]
    assert filtered.matching('item_id == "c" or price == 3').tolist() == [True, False, True]


def test_members_of_lists_are_found(filtered: FilteredItems) -> None:
    assert filtered.matching('"x" in tags').tolist() == [True, False, False]
    assert filtered.matching('"y" in tags and not "x" in tags').tolist() == [False, False, True]
    assert filtered.matching('"z" in tags').tolist() == [False, False, False]
    assert filtered.matching("2 in sizes and 1 not in sizes").tolist() == [False, False, True]
    assert filtered.matching("2.5 in sizes").tolist() == [False, False, False]


def test_lists_that_hold_nothing_and_catalogues_of_no_items() -> None:
    empty = FilteredItems(pl.DataFrame({"tags": [[], None]}, {"tags": pl.List(pl.String)}), ItemColumns())
    assert empty.matching('"x" in tags or tags == null').tolist() == [True, True]
    assert FilteredItems(ITEMS.clear(), ItemColumns()).matching('"x" in tags or price < 3').tolist() == []


def test_a_filter_is_evaluated_once_and_its_mask_cannot_be_changed(
    filtered: FilteredItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = filtered.matching("price < 3")
    monkeypatch.setattr(filtered_items, "parse_filter", None)
    assert filtered.matching("price < 3") is mask
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = False
    allowed = np.ones(3, dtype=bool)
    allowed &= mask
    assert allowed.tolist() == [True, True, False]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtered_items, "CACHED_BYTES", 5_000)
    filtered = FilteredItems(ITEMS, ItemColumns())
    first = filtered.matching("price < 0")
    for number in range(1, 20):
        filtered.matching(f"price < {number}")
    assert filtered.matching("price < 0") is not first


def test_a_refusal_is_not_remembered(filtered: FilteredItems) -> None:
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="filter, character 1: there is no such item column"):
            filtered.matching("prize < 3")


def test_a_hundred_thousand_items_take_milliseconds() -> None:
    rng = np.random.default_rng(42)
    n, levels, skills = 100_000, ("Beginner", "Intermediate", "Advanced"), ["python", *map(str, range(300))]
    items = pl.DataFrame(
        {
            "difficulty": rng.choice(levels, n),
            "skills": [rng.choice(skills, size).tolist() for size in rng.integers(0, 6, n)],
            "price": rng.uniform(0, 50, n),
        }
    )
    filtered = FilteredItems(items, ItemColumns(ordinals={"difficulty": levels}))
    text = 'difficulty <= "Intermediate" and "python" in skills and price < 20'
    expected = [
        row["difficulty"] != "Advanced" and "python" in row["skills"] and row["price"] < 20 for row in items.to_dicts()
    ]
    seconds = []
    for number in range(15):
        begun = perf_counter()
        mask = filtered.matching(text + " " * number)  # blanks make it another text, whose mask is not remembered
        seconds.append(perf_counter() - begun)
        assert mask.tolist() == expected
    assert min(seconds) < 0.01, f"{1e3 * min(seconds):.1f} ms at least, {1e3 * seconds[0]:.1f} ms the first time"
