import polars as pl

from nightschool.item_columns import ItemColumns
from serving.facets import MOST_VALUES, Facet, facets_of
from serving.filter_columns import filter_columns

COLUMNS = ItemColumns(
    categories=("field", "year", "list price"), ordinals={"level": ("Low", "High")}, lists=("tags",), skills="skills"
)


def facets(**columns: list[object]) -> dict[str, Facet]:
    items = pl.DataFrame(columns, strict=False)
    return {facet.name: facet for facet in facets_of(items, COLUMNS, filter_columns(items.schema, COLUMNS))}


def test_each_column_that_describes_items_offers_its_values() -> None:
    found = facets(
        field=["b", "A", None], level=["High", "Low", "Low"], tags=[["y"], ["x", "y"], None], skills=[["sql"], [], None]
    )
    assert {name: list(facet.values) for name, facet in found.items()} == {
        "field": ["A", "b"],
        "level": ["Low", "High"],
        "tags": ["x", "y"],
        "skills": ["sql"],
    }
    assert all(facet.complete for facet in found.values())


def test_levels_that_no_item_has_and_columns_without_values_are_not_offered() -> None:
    found = facets(level=["High"], field=[None], other=["x"])
    assert {name: list(facet.values) for name, facet in found.items()} == {"level": ["High"]}


def test_of_many_values_the_most_common_ones_are_offered() -> None:
    names = [f"{number:03}" for number in range(MOST_VALUES + 5)]
    found = facets(field=[*names, names[-1]])["field"]
    assert (len(found.values), found.complete) == (MOST_VALUES, False)
    assert names[-1] in found.values
    assert names[-2] not in found.values


def test_a_value_becomes_a_filter_as_its_column_is_compared() -> None:
    found = facets(**{"field": ['a "b"'], "year": [1999], "list price": ["x"], "tags": [["y"]], "level": ["Low"]})
    assert found["field"].condition('a "b"') == r'field == "a \"b\""'
    assert found["year"].condition("1999") == "year == 1999"
    assert found["list price"].condition("x") == 'item["list price"] == "x"'
    assert found["tags"].condition("y") == '"y" in tags'
    assert found["level"].condition("Low") == 'level == "Low"'
