"""The items of one release: ids, titles and labels, and arrays by position."""

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
from nightschool.data.labels import label_rows, one_hot
from nightschool.data.prerequisites import NAMED, PREREQUISITE, prerequisite_matrix, prerequisite_pairs
from nightschool.item_columns import ItemColumns
from serving.cursors import MARK_BYTES, mark
from serving.facets import Facet, facets_of
from serving.filtered_items import FilteredItems
from serving.item_words import ItemWords
from serving.schemas.common import ExternalId, Item

_LABEL = "label"
_PLACE = "place"
_NOWHERE = np.zeros(0, dtype=np.int64)


class Catalogue:
    """Items by position; a position is an item's index in every array of serving.

    Those of a release are ascending by id; others that came since follow.

    Attributes:
        ids: External ids, as Python values.
        current: bool [n_items], the items that the items table holds and has not withdrawn.
    """

    def __init__(self, items: pl.DataFrame, columns: ItemColumns, before: "Catalogue | None" = None) -> None:
        """Describe the items.

        Args:
            items: All items; only those that differ where there is a catalogue before.
            columns: Which columns describe an item.
            before: The items as the release knows them, which keep their positions.
        """
        frame = items.sort(ITEM_ID) if before is None else _replaced(before.frame, items)
        self._before = before
        self._frame = frame
        self._columns = columns
        self.ids: list[ExternalId] = frame[ITEM_ID].to_list()
        ended = frame[WITHDRAWN] if WITHDRAWN in frame.columns else pl.repeat(False, len(frame), eager=True)
        self.current: Mask = (~ended).fill_null(value=False).to_numpy()
        self._ordinal = next(iter(columns.ordinals), None)
        rows = items.select(ITEM_ID, TITLE, *columns.names).iter_rows(named=True)
        described = {row[ITEM_ID]: self._fields(row[ITEM_ID], row[TITLE] or "", self._labels_of(row)) for row in rows}
        known = {} if before is None else before._described
        self._described: dict[ExternalId, dict[str, Any]] = {**known, **described}
        self._positions: dict[ExternalId | None, int] = {item_id: position for position, item_id in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def frame(self) -> pl.DataFrame:
        """Return the items as the release knows them, in the order of their positions."""
        return self._frame

    @property
    def columns(self) -> ItemColumns:
        """Return which columns of the frame describe an item."""
        return self._columns

    def position(self, item_id: ExternalId) -> int | None:
        """Return an item's position; None for one that is not in the release."""
        return self._positions.get(item_id)

    def positions(self, item_ids: Iterable[ExternalId | None]) -> Indices:
        """Return the items' positions, int32 [≤ n]; items that are not in the release are left out."""
        found = (self._positions.get(item_id) for item_id in item_ids if item_id is not None)
        return np.array([position for position in found if position is not None], dtype=np.int32)

    def item(self, item_id: ExternalId) -> Item:
        """Return an item with title and labels; one that the release does not hold has its id alone."""
        return Item(**self.describe(item_id))

    def describe(self, item_id: ExternalId) -> dict[str, Any]:
        """Return the fields of `Item`, shared between callers: do not change them."""
        return self._described.get(item_id) or self._fields(item_id, "", {})

    def _labels_of(self, row: Mapping[str, object]) -> dict[str, list[str]]:
        listed = {name: _as_list(row[name]) for name in self._columns.names}
        return {name: labels for name, labels in listed.items() if labels}

    def _fields(self, item_id: ExternalId, title: str, labels: Mapping[str, list[str]]) -> dict[str, Any]:
        level = labels.get(self._ordinal, [None])[0] if self._ordinal else None
        return {"item_id": item_id, "title": title, "labels": labels, "difficulty": level}

    @property
    def level_names(self) -> tuple[str, ...]:
        """Return the levels of difficulty, lowest first; empty where the manifest declares none."""
        return tuple(self._columns.ordinals[self._ordinal]) if self._ordinal else ()

    @cached_property
    def levels(self) -> Indices:
        """Return the level of each item, int32 [n_items]; -1 without one."""
        if self._ordinal is None:
            return np.full(len(self), -1, dtype=np.int32)
        places = {level: place for place, level in enumerate(self.level_names)}
        names = self._frame[self._ordinal].cast(pl.String)
        return names.replace_strict(places, default=-1, return_dtype=pl.Int32).fill_null(-1).to_numpy()

    @cached_property
    def _marks(self) -> NDArray[np.bytes_]:
        known = () if self._before is None else self._before._marks
        fresh = np.array([mark(item_id) for item_id in self.ids[len(known) :]], dtype=f"S{MARK_BYTES}")
        return np.concatenate([known, fresh]) if len(known) else fresh

    def shown(self, marks: bytes) -> Mask:
        """Select the items whose marks a cursor holds, bool [n_items]."""
        found: Mask = np.isin(self._marks, np.frombuffer(marks, dtype=f"S{MARK_BYTES}"))
        return found

    @cached_property
    def kinds(self) -> Indices:
        """Return the kind of each item for quotas, int32 [n_items]: its first category or label; -1 without one."""
        names = (*self._columns.categories, *self._columns.lists)
        if not names:
            return np.full(len(self), -1, dtype=np.int32)
        column = self._frame[names[0]]
        first = column.list.first() if isinstance(column.dtype, pl.List) else column
        ranks = first.cast(pl.String).rank("dense").cast(pl.Int32) - 1
        return ranks.fill_null(-1).to_numpy()

    @cached_property
    def similarity_features(self) -> csr_array:
        """Return item features for diversity, CSR float32 [n_items, n]: labels, levels, vectors; rows of unit norm."""
        without_text = self._frame.with_columns(pl.lit(None, dtype=pl.String).alias(TEXT))
        return item_features(without_text, self._columns, np.ones(len(self), dtype=bool))

    @cached_property
    def prerequisites(self) -> csr_array:
        """Return which items each item declares as prerequisites, CSR bool [n_items, n_items]."""
        return prerequisite_matrix(self._frame, self._prerequisite_pairs)

    @cached_property
    def unmatched(self) -> Mapping[ExternalId, list[str]]:
        """Map items to what they name as prerequisites and no item matches."""
        lost = self._prerequisite_pairs.filter(pl.col(PREREQUISITE).is_null())
        return dict(lost.group_by(ITEM_ID, maintain_order=True).agg(NAMED).iter_rows())

    @cached_property
    def _prerequisite_pairs(self) -> pl.DataFrame:
        column = self._columns.prerequisites
        if column in self._frame.columns:
            return prerequisite_pairs(self._frame, column)
        # A release may be older than what the manifest says of prerequisites.
        nothing = pl.lit(None, pl.List(pl.String)).alias(NAMED)
        return prerequisite_pairs(self._frame.select(ITEM_ID, nothing), NAMED)

    def ready(self, completed: Indices) -> Mask:
        """Select the items of which every declared prerequisite is completed, bool [n_items].

        Args:
            completed: int32 [n], positions.
        """
        missing = np.ones(len(self), dtype=np.int32)
        missing[completed] = 0
        mask: Mask = self.prerequisites @ missing == 0
        return mask

    @cached_property
    def skill_names(self) -> list[str]:
        """Return every skill that an item builds, sorted."""
        column = self._columns.skills
        if column not in self._frame.columns:
            return []
        names: list[str] = label_rows(self._frame.select(column), column)[column].unique().sort().to_list()
        return names

    @cached_property
    def skills(self) -> csr_array:
        """Return which skills each item builds, CSR bool [n_items, n_skills]."""
        columns = [self._columns.skills] if self.skill_names and self._columns.skills else []
        return one_hot(self._frame, columns).astype(bool)

    @cached_property
    def filtered(self) -> FilteredItems:
        """Return the items as filters see them."""
        return FilteredItems(self._frame, self._columns)

    @cached_property
    def words(self) -> ItemWords:
        """Return the words of the items."""
        return ItemWords(self._frame)

    @cached_property
    def facets(self) -> list[Facet]:
        """Return what the items can be narrowed by."""
        return facets_of(self._frame, self._columns, self.filtered.columns)

    def matching(self, text: str) -> Mask:
        """Select the items that a filter keeps, bool [n_items]; shared between callers, and read-only.

        Raises:
            ConfigurationError: It is not a filter, or does not fit the items; the message names the position.
        """
        return self.filtered.matching(text)

    @property
    def label_names(self) -> Sequence[str]:
        """Return every category and label of an item, sorted."""
        return sorted(self._by_label)

    def labelled(self, label: str) -> Mask:
        """Select the items with a label in any column, bool [n_items]."""
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


def _replaced(frame: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Replace rows by those of the same ids, and append the others."""
    places = frame.select(ITEM_ID).with_row_index(_PLACE)
    kept = frame.with_row_index(_PLACE).join(items.select(ITEM_ID), on=ITEM_ID, how="anti")
    placed = items.join(places, on=ITEM_ID, how="left", maintain_order="left")
    return (
        pl.concat([kept, placed.select(kept.columns)]).sort(_PLACE, nulls_last=True, maintain_order=True).drop(_PLACE)
    )


def _as_list(value: object) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, Sequence) and not isinstance(value, str) else [str(value)]
