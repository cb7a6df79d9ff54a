"""The items of a release as filters compare them, and which of them match."""

from collections.abc import Mapping
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_INDEX, VALUE
from nightschool.contract import Mask
from nightschool.item_columns import ItemColumns
from serving.cache import Cache
from serving.filter_columns import Comparable, filter_columns
from serving.filters import Filter, Member, parse_filter

CACHED_BYTES: Final = 20_000_000
"""Memory of the filters that were asked lately."""

_OBJECT_BYTES: Final = 500
_NOWHERE: Final = np.zeros(0, dtype=np.uint32)


class _Matched(NamedTuple):
    """The items that a filter keeps, bool [n_items], and the memory that they take with its text, in bytes."""

    mask: Mask
    size: int


class FilteredItems:
    """The items, in the order of their positions.

    Attributes:
        columns: The columns that filters may name, by name.
    """

    def __init__(self, items: pl.DataFrame, described: ItemColumns) -> None:
        self._items = items
        self.columns = filter_columns(items.schema, described)
        self._places: dict[str, Mapping[Comparable, NDArray[np.uint32]]] = {}
        self._matched = Cache[_Matched](CACHED_BYTES)

    def matching(self, text: str) -> Mask:
        """Select the items that a filter keeps, bool [n_items]; shared between callers, and read-only.

        Raises:
            ConfigurationError: It is not a filter, or does not fit the columns.
        """
        matched = self._matched.get(text)
        if matched is None:
            mask = self._evaluated(parse_filter(text, self.columns))
            mask.flags.writeable = False
            matched = _Matched(mask, mask.nbytes + 4 * len(text) + _OBJECT_BYTES)
            self._matched.put(text, matched)
        return matched.mask

    def _evaluated(self, found: Filter) -> Mask:
        members = [pl.Series(name, self._holding(member)) for name, member in found.members.items()]
        mask: Mask = self._prepared.with_columns(members).select(found.expression).to_series().to_numpy()
        return mask

    @cached_property
    def _prepared(self) -> pl.DataFrame:
        return self._items.select(column.prepared() for column in self.columns.values())

    def _holding(self, member: Member) -> Mask:
        """Select the items whose list in a column holds a value, bool [n_items]."""
        column, value = member
        if column not in self._places:
            self._places[column] = _places_of(self._prepared[column])
        mask = np.zeros(len(self._items), dtype=bool)
        mask[self._places[column].get(value, _NOWHERE)] = True
        return mask


def _places_of(lists: pl.Series) -> dict[Comparable, NDArray[np.uint32]]:
    """Map each value to the places of the lists that hold it."""
    rows = lists.alias(VALUE).to_frame().with_row_index(ITEM_INDEX).explode(VALUE).drop_nulls()
    found = rows.group_by(VALUE).agg(ITEM_INDEX)
    if found.is_empty():
        return {}
    ends = found[ITEM_INDEX].list.len().cum_sum()[:-1].to_numpy()
    return dict(zip(found[VALUE], np.split(found[ITEM_INDEX].explode().to_numpy(), ends), strict=True))
