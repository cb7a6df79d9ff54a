"""The types of columns that tables can store."""

from collections.abc import Mapping

import polars as pl

from nightschool.columns import Table
from nightschool.errors import NightschoolError

_STORABLE = (pl.String, pl.Boolean, pl.Date, pl.Binary)


def check_dtypes(table: Table, given: Mapping[str, pl.DataType], stored: Mapping[str, pl.DataType]) -> None:
    """Check that columns have the types that a table stores, and that Delta can store them.

    Raises:
        NightschoolError: One has another type, or one that cannot be stored.
    """
    for name, dtype in given.items():
        if dtype != stored.get(name, dtype):
            raise NightschoolError(
                f"column {name} of table {table.name} has the wrong type", seen=dtype, do=f"cast it to {stored[name]}"
            )
        if not _is_storable(dtype):
            raise NightschoolError(
                f"column {name} of table {table.name} cannot be stored in Delta",
                seen=dtype,
                do="cast it to a plain type",
            )


def _is_storable(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.List):
        return isinstance(dtype.inner, pl.DataType) and _is_storable(dtype.inner)
    if isinstance(dtype, pl.Datetime):
        return dtype.time_unit == "us"
    return isinstance(dtype, _STORABLE) or dtype.is_signed_integer() or dtype.is_float()
