"""What a table's shape is; the tables themselves are in `columns.py`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

_ITEM_COLUMNS: Final = frozenset({"item_id", "because_item_id"})
_NEIGHBOR: Final = "neighbor_id"


class ExternalId:
    """Stands for the dtype of a home's external ids: Int64 or String, fixed at the first ingest."""


ID: Final = ExternalId()


@dataclass(frozen=True)
class Table:
    """A table's shape.

    Attributes:
        name: The folder below `lake/`.
        columns: Column to dtype, in order; `ID` stands for the home's id dtype.
        key: The columns that name a row; also the canonical order of its content hash.
        open: Whether a dataset or recipe adds columns of its own.
        released: Whether the table is partitioned by `release_id`.
        local: Columns left out of the content hash, besides `release_id`: clocks and names of one run.
        optional: Further columns, which a frame may lack; where it does, they are empty.
    """

    name: str
    columns: Mapping[str, pl.DataType | type[pl.DataType] | ExternalId]
    key: tuple[str, ...]
    open: bool = False
    released: bool = False
    local: tuple[str, ...] = ()
    optional: Mapping[str, pl.DataType | type[pl.DataType]] = field(default_factory=dict)

    def held_by(self, names: Collection[str]) -> list[str]:
        """List the table's columns, in order, with those optional ones that are among the names."""
        return [*self.columns, *(name for name in self.optional if name in names)]

    def schema(self, *, user_id: pl.DataType, item_id: pl.DataType) -> pl.Schema:
        """Return the table's polars schema in a home whose external ids have these dtypes."""
        item_columns = _ITEM_COLUMNS | ({_NEIGHBOR} if "user_id" not in self.columns else set())
        return pl.Schema(
            {
                name: (item_id if name in item_columns else user_id) if isinstance(dtype, ExternalId) else dtype
                for name, dtype in self.columns.items()
            }
        )
