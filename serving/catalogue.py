"""The items of one release as a reader meets them: ids, titles and labels, in arrays by position."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.columns import ITEM_ID, ITEM_INDEX, TEXT, TITLE, WITHDRAWN
from nightschool.contract import Indices, Mask
from nightschool.data.features import item_features
from nightschool.data.labels import label_rows
from nightschool.item_columns import ItemColumns
from serving.schemas import ExternalId, Item

_LABEL = "label"
_NOWHERE = np.zeros(0, dtype=np.int64)


class Catalogue:
    """Items by position, ascending by id; a position is an item's index in every array of serving.

    Attributes:
        ids: External ids, as Python values.
        current: bool [n_items], which of them the items table holds as not ended.
    """

    def __init__(self, items: pl.DataFrame, columns: ItemColumns) -> None:
        frame = items.sort(ITEM_ID)
        self._frame = frame
        self._columns = columns
        self.ids: list[ExternalId] = frame[ITEM_ID].to_list()
        ended = frame[WITHDRAWN] if WITHDRAWN in frame.columns else pl.repeat(False, len(frame), eager=True)
        self.current: Mask = (~ended).fill_null(value=False).to_numpy()
        self._ordinal = next(iter(columns.ordinals), None)
        rows = frame.select(ITEM_ID, TITLE, *columns.names).iter_rows(named=True)
        self._described = {
            row[ITEM_ID]: self._fields(row[ITEM_ID], row[TITLE] or "", self._labels_of(row)) for row in rows
        }
        self._positions: dict[ExternalId | None, int] = {item_id: position for position, item_id in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def position(self, item_id: ExternalId) -> int | None:
        """Where an item stands; None for one that is not in the release."""
        return self._positions.get(item_id)

    def positions(self, item_ids: Iterable[ExternalId | None]) -> Indices:
        """Where the items stand, int32 [≤ n]; those that are not in the release are left out."""
        found = (self._positions.get(item_id) for item_id in item_ids if item_id is not None)
        return np.array([position for position in found if position is not None], dtype=np.int32)

    def item(self, item_id: ExternalId) -> Item:
        """An item as people know it; one that the release does not hold has its id alone."""
        return Item(**self.describe(item_id))

    def describe(self, item_id: ExternalId) -> dict[str, Any]:
        """The fields of `Item`; nobody may change them."""
        return self._described.get(item_id) or self._fields(item_id, "", {})

    def _labels_of(self, row: Mapping[str, object]) -> dict[str, list[str]]:
        told = {name: _as_list(row[name]) for name in self._columns.names}
        return {name: labels for name, labels in told.items() if labels}

    def _fields(self, item_id: ExternalId, title: str, labels: Mapping[str, list[str]]) -> dict[str, Any]:
        level = labels.get(self._ordinal, [None])[0] if self._ordinal else None
        return {"item_id": item_id, "title": title, "labels": labels, "difficulty": level}

    @property
    def level_names(self) -> tuple[str, ...]:
        """Levels of difficulty, lowest first; empty where the manifest tells none."""
        return tuple(self._columns.ordinals[self._ordinal]) if self._ordinal else ()

    @cached_property
    def levels(self) -> Indices:
        """The level of each item, int32 [n_items]; -1 where it has none."""
        if self._ordinal is None:
            return np.full(len(self), -1, dtype=np.int32)
        places = {level: place for place, level in enumerate(self.level_names)}
        told = self._frame[self._ordinal].cast(pl.String)
        return told.replace_strict(places, default=-1, return_dtype=pl.Int32).fill_null(-1).to_numpy()

    @cached_property
    def kinds(self) -> Indices:
        """The kind of each item for quotas, int32 [n_items]: its first category, or first label; -1 without one."""
        names = (*self._columns.categories, *self._columns.lists)
        if not names:
            return np.full(len(self), -1, dtype=np.int32)
        column = self._frame[names[0]]
        first = column.list.first() if isinstance(column.dtype, pl.List) else column
        ranks = first.cast(pl.String).rank("dense").cast(pl.Int32) - 1
        return ranks.fill_null(-1).to_numpy()

    @cached_property
    def likeness(self) -> csr_array:
        """What items are alike by, CSR float32 [n_items, n_labels], rows of length one or empty: labels and levels."""
        without_text = self._frame.with_columns(pl.lit(None, dtype=pl.String).alias(TEXT))
        return item_features(without_text, self._columns, np.ones(len(self), dtype=bool))

    @property
    def label_names(self) -> Sequence[str]:
        """Every category and label that an item bears, in order."""
        return sorted(self._by_label)

    def labelled(self, label: str) -> Mask:
        """The items that bear a label in any column, bool [n_items]."""
        mask = np.zeros(len(self), dtype=bool)
        mask[self._by_label.get(label, _NOWHERE)] = True
        return mask

    @cached_property
    def _by_label(self) -> Mapping[str, NDArray[np.int64]]:
        names = (*self._columns.categories, *self._columns.lists)
        indexed = self._frame.with_row_index(ITEM_INDEX)
        rows = [label_rows(indexed.select(ITEM_INDEX, pl.col(name).alias(_LABEL)), _LABEL) for name in names]
        if not rows:
            return {}
        grouped = pl.concat(rows).unique().group_by(_LABEL).agg(ITEM_INDEX)
        return {label: np.array(places) for label, places in grouped.iter_rows()}


def _as_list(value: object) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, Sequence) and not isinstance(value, str) else [str(value)]
