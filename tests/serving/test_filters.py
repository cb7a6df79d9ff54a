"""What filters keep and refuse, by cases that can be checked by hand."""

import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from nightschool.errors import ConfigurationError
from nightschool.item_columns import ItemColumns
from serving.filter_columns import filter_columns
from serving.filtered_items import FilteredItems
from serving.filters import parse_filter

LEVELS = ("Beginner", "Intermediate", "Advanced")
DESCRIBED = ItemColumns(categories=("category",), ordinals={"difficulty": LEVELS, "depth": LEVELS}, lists=("skills",))
SCHEMA = pl.Schema(
    {
        "item_id": pl.Int64(),
        "category": pl.String(),
        "difficulty": pl.String(),
        "depth": pl.String(),
        "skills": pl.List(pl.String()),
        "sizes": pl.List(pl.Float64()),
        "price": pl.Float64(),
        "list price": pl.Float64(),
        "free": pl.Boolean(),
        "until": pl.Datetime("us", "UTC"),
    }
)
ITEMS = pl.DataFrame(
    [
        (
            1,
            "Data",
            "Beginner",
            "Beginner",
            ["python", "sql"],
            [1.0],
            10.0,
            12.0,
            True,
            datetime(2026, 1, 31, tzinfo=UTC),
        ),
        (
            2,
            "data",
            "Intermediate",
            "Advanced",
            ["python"],
            [],
            20.0,
            None,
            False,
            datetime(2026, 6, 30, 22, tzinfo=UTC),
        ),
        (3, "Ünï", "Advanced", "Beginner", [], [2.5], 30.0, 30.0, None, None),
        (4, None, None, None, None, None, None, 5.0, True, None),
    ],
    SCHEMA,
    orient="row",
)
FILTERED = FilteredItems(ITEMS, DESCRIBED)
PAGE = Path(__file__).parents[2] / "docs/reference/filters.md"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('difficulty <= "Intermediate" and "python" in skills and price < 20', [1]),
        ('difficulty > "Beginner"', [2, 3]),
        ('"Beginner" < difficulty', [2, 3]),
        ('difficulty in ("Advanced", "Beginner")', [1, 3]),
        ("difficulty < depth", [2]),
        ('category == "Data"', [1]),
        ('category != "Data"', [2, 3]),
        ('not category == "Data"', [2, 3]),
        ('category in ["Data", "Ünï"]', [1, 3]),
        ('category not in ("Data",)', [2, 3]),
        ("category in ()", []),
        ("10 < price <= 30", [2, 3]),
        ("price == 20", [2]),
        ("20 >= price", [1, 2]),
        ("price in (10, 30.0, -1)", [1, 3]),
        ("item_id in (2.0, 2.5, 3)", [2, 3]),
        ("item_id < 2.5", [1, 2]),
        ("price < item['list price']", [1]),
        ('item["list price"] >= price', [1, 3]),
        ("price == null", [4]),
        ("null != price", [1, 2, 3]),
        ("not price < 20", [2, 3]),
        ("price < 20 or price == null", [1, 4]),
        ("price < 20 or free", [1, 4]),
        ("price > 0 and free", [1]),
        ("not (price < 20 and free)", [2, 3]),
        ("free", [1, 4]),
        ("not free", [2]),
        ("free == False", [2]),
        ("free != true", [2]),
        ("free == null", [3]),
        ('"sql" not in skills', [2, 3, 4]),
        ('"nothing" in skills', []),
        ("skills == null", [3, 4]),
        ("skills != null", [1, 2]),
        ("2.5 in sizes or 1 in sizes", [1, 3]),
        ('until >= "2026-07-01T00:00+02:00"', [2]),
        ('until < "2026-06-01"', [1]),
        ('until in ("2026-01-31",)', [1]),
        ("item_id < 3 and free or price >= 30", [1, 3]),
        ("(item_id < 3) and (free or price >= 30)", [1]),
    ],
)
def test_what_is_kept(text: str, kept: list[int]) -> None:
    assert ITEMS["item_id"].filter(FILTERED.matching(text)).to_list() == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "dificulty == 1",
            "character 1: there is no such item column; saw 'dificulty'; use difficulty, or \"dificulty\"",
        ),
        (
            "price > 1 and item['prize'] < 1",
            "character 15: there is no such item column; saw \"item\\['prize'\\]\"; use price",
        ),
        ("category == Data", "character 13: there is no such item column; saw 'Data'; use .*or \"Data\" for a text"),
        ("__class__", "character 1: there is no such item column"),
        ("xyz == 1", r'use item_id, category, .*item\["list price"\]'),
        (
            'difficulty <= "Expert"',
            """15: there is no such level; saw '"Expert"'; .*"Beginner", "Intermediate", "Adv""",
        ),
        ("difficulty <= 2", "character 15: there is no such level; saw '2'"),
        ('difficulty in ("Expert",)', "character 16: there is no such level"),
        ('price < "20"', """character 9: price holds numbers; saw '"20"'; write price < 20"""),
        ("price < true", "character 9: price holds numbers; saw 'true'"),
        ("category == 5", "character 13: category holds text; saw '5'"),
        ("until > 2026", "character 9: until holds times; saw '2026'; write until >= \"2026-01-31\""),
        ('until > "soon"', "character 9: until holds times"),
        ("free == 1", "character 9: free holds true or false"),
        ("free < true", "character 1: free holds true or false, which are not compared so"),
        ("true < free", "character 8: free holds true or false, which are not compared so"),
        ('skills == "sql"', 'character 1: skills holds lists of text, which .*; write "Design" in skills'),
        ('skills in ("sql",)', "character 1: skills holds lists of text, which are in no list"),
        ("free in (true,)", "character 1: free holds true or false, which are in no list"),
        ("5 in skills", "character 1: skills holds lists of text; saw '5'"),
        ("null in skills", "character 1: skills holds lists of text; saw 'null'"),
        ('"sql" in category', 'character 10: category holds one value an item, no list; .*write category == "Design"'),
        ('category in ("a")', "character 14: in needs a list"),
        ("category in skills", "character 1: a column is looked for in a column"),
        ('"a" in ("a", "b")', "character 1: two values are compared"),
        ("price in (1, item_id)", "character 14: a column is in a list"),
        ("price in (1, null)", "character 14: price holds numbers"),
        ("price in (1, (2, 3))", "character 14: a list stands only after in"),
        ("price == (1, 2)", "character 10: a list stands only after in"),
        ("1 < 2", "character 1: two values are compared"),
        ("null == null", "character 1: two values are compared"),
        ("price < null", "character 9: null has no order; .*write price == null"),
        ("price == category", "character 10: category holds text, and price numbers"),
        ("difficulty == category", "character 15: category holds text, and difficulty levels"),
        ("price == skills", "character 10: skills holds lists of text, and price numbers"),
        ("price", "character 1: price holds numbers, which alone decide nothing"),
        ("free and category", "character 10: category holds text, which alone decide nothing"),
        ("true", "character 1: a value alone decides nothing"),
        ("(price < 3) == free", "character 2: a column or a value must stand here; saw 'price < 3'"),
        ("item[price] < 3", "character 1: a column or a value must stand here"),
        ('skills["sql"] == 1', "character 1: a column or a value must stand here"),
        ('item["a"]["b"] == 1', "character 10: this does not fit here"),
        ("price, free", "character 1: a list stands only after in"),
    ],
)
def test_what_does_not_fit_the_columns_is_refused_with_what_would(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        FILTERED.matching(text)


def test_ordinals_of_other_levels_are_not_compared() -> None:
    others = ItemColumns(ordinals={"difficulty": LEVELS, "depth": ("Shallow", "Deep")})
    with pytest.raises(ConfigurationError, match="depth holds levels, and difficulty levels"):
        parse_filter("difficulty < depth", filter_columns(SCHEMA, others))


def test_the_page_of_filters_shows_filters() -> None:
    (columns,) = re.findall(r"^```text\n(.+?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[:1]
    shown = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    schema = pl.Schema({"title": pl.String(), "type": pl.String(), "tags": pl.List(pl.String()), **SCHEMA})
    readable = filter_columns(schema, DESCRIBED)
    assert len(shown) > 10
    for text in [*shown, *columns.splitlines()]:
        parse_filter(text.replace("\\|", "|"), readable)
