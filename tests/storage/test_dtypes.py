import polars as pl
import pytest

from nightschool.columns import USERS
from nightschool.errors import NightschoolError
from nightschool.storage.dtypes import check_dtypes

STORED = {"role": pl.String()}


@pytest.mark.parametrize(
    "dtype",
    [pl.String(), pl.Int8(), pl.Float32(), pl.Boolean(), pl.Date(), pl.Datetime("us", "UTC"), pl.List(pl.Float32())],
    ids=str,
)
def test_plain_types_can_be_stored(dtype: pl.DataType) -> None:
    check_dtypes(USERS, {"new": dtype}, STORED)


@pytest.mark.parametrize(
    "dtype", [pl.UInt8(), pl.Datetime("ns"), pl.Struct({"a": pl.Int8()}), pl.List(pl.UInt8()), pl.Null()], ids=str
)
def test_other_types_are_refused(dtype: pl.DataType) -> None:
    with pytest.raises(NightschoolError, match="column new of table users cannot be stored in Delta"):
        check_dtypes(USERS, {"new": dtype}, STORED)


def test_a_column_keeps_its_type() -> None:
    check_dtypes(USERS, {"role": pl.String()}, STORED)
    with pytest.raises(NightschoolError, match="column role of table users has the wrong type"):
        check_dtypes(USERS, {"role": pl.Int64()}, STORED)
