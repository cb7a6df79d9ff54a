"""What the catalogue can be narrowed by: the values of the columns that describe items, to choose from."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from nightschool.data.labels import label_rows
from nightschool.item_columns import ItemColumns
from serving.filter_columns import Column, quoted

MOST_VALUES: Final = 100
"""The values that are offered, the most common ones."""


class Facet(NamedTuple):
    """A column of items with the values to choose from.

    Attributes:
        column: The column.
        values: In their order for levels, else by the alphabet.
        complete: Whether these are all values of the column.
    """

    column: Column
    values: Sequence[str]
    complete: bool

    @property
    def name(self) -> str:
        """Return the name of the column."""
        return self.column.name

    def condition(self, value: str) -> str:
        """Return the filter that keeps the items with a value.

        Args:
            value: As the page shows it.
        """
        written = value if self.column.holds in ("number", "flag") else quoted(value)
        if self.column.listed:
            return f"{written} in {self.column.written}"
        return f"{self.column.written} == {written}"


def facets_of(items: pl.DataFrame, described: ItemColumns, columns: Mapping[str, Column]) -> list[Facet]:
    """Return what items can be narrowed by; columns without values, or that filters cannot compare, are left out.

    Args:
        items: The items.
        described: Which of their columns describe them.
        columns: The columns that filters may name, by name.
    """
    described_by = dict.fromkeys((*described.names, described.skills or ""))
    found = (_facet(items, columns[name]) for name in described_by if name in columns)
    return [facet for facet in found if facet.values]


def _facet(items: pl.DataFrame, column: Column) -> Facet:
    counted = label_rows(items.select(column.name), column.name)[column.name].value_counts()
    known = counted.sort("count", column.name, descending=[True, False])[column.name].to_list()
    if column.levels:
        return Facet(column, [level for level in column.levels if level in known], complete=True)
    return Facet(column, sorted(known[:MOST_VALUES], key=str.casefold), len(known) <= MOST_VALUES)
