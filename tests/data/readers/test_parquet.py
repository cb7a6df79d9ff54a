from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.data.manifest.sections import Time
from nightschool.data.normalization.parse_values import to_instants, to_text
from nightschool.data.readers import parquet
from nightschool.data.readers.parquet import Parquet, parquet_rows
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import DataRefused
from tests.data.readers.format_contract import FormatContract

DAY = datetime(2025, 3, 1, 10)
FAR = 2**61


def write(folder: Path, *columns: pl.Series) -> SourceFile:
    path = folder / "log.parquet"
    pl.DataFrame(columns).write_parquet(path)
    return SourceFile("log.parquet", path)


def read(file: SourceFile, *needed: str) -> pl.DataFrame:
    return pl.concat(parquet_rows(file, needed))[RAW].struct.unnest()


def column(folder: Path, values: list[Any], dtype: Any) -> pl.Series:
    return read(write(folder, pl.Series("a", values, dtype)), "a")["a"]


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (7, pl.Int8, "7"),
        (2**64 - 1, pl.UInt64, "18446744073709551615"),
        (2**100, pl.Int128, str(2**100)),
        (1.5, pl.Float32, "1.5"),
        (Decimal("1.50"), pl.Decimal(10, 2), "1.50"),
        (True, pl.Boolean, "true"),
        ("x", pl.Categorical, "x"),
        ("x", pl.Enum(["x", "y"]), "x"),
        (b"12", pl.Binary, "12"),
        (timedelta(minutes=2), pl.Duration("ms"), "120.0"),
        (time(10, 30), pl.Time, "10:30:00"),
        (date(2025, 3, 1), pl.Date, "2025-03-01"),
        ([1, None], pl.List(pl.Int64), "[1,null]"),
        (["x", "y"], pl.Array(pl.String, 2), '["x","y"]'),
        ([["x"]], pl.List(pl.List(pl.String)), '[["x"]]'),
        ({"b": 'x"'}, pl.Struct({"b": pl.String}), '{"b":"x\\""}'),
    ],
    ids=str,
)
def test_every_type_has_its_text(value: Any, dtype: Any, text: str, tmp_path: Path) -> None:
    assert to_text(column(tmp_path, [value, None], dtype)).to_list() == [text, None]


@pytest.mark.parametrize("dtype", [pl.Datetime("ms"), pl.Datetime("us"), pl.Datetime("ns"), pl.Date], ids=str)
def test_instants_are_taken_as_such(dtype: Any, tmp_path: Path) -> None:
    given = DAY.date() if dtype == pl.Date else DAY
    read_at = to_instants(column(tmp_path, [given], dtype), Time(column="a", unit="s")).to_list()
    assert read_at == [(datetime(2025, 3, 1) if dtype == pl.Date else DAY).replace(tzinfo=UTC)]


def test_zone_is_that_of_the_column(tmp_path: Path) -> None:
    tokyo = pl.Series("a", [DAY]).dt.replace_time_zone("Asia/Tokyo")
    values = read(write(tmp_path, tokyo), "a")["a"]
    assert to_instants(values, Time(column="a", unit="iso")).to_list() == [datetime(2025, 3, 1, 1, tzinfo=UTC)]


@pytest.mark.parametrize("unit", ["ms", "us"])
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_instant_beyond_the_calendar_is_its_end(unit: Any, zone: str | None, tmp_path: Path) -> None:
    values = column(tmp_path, [FAR, -FAR, None], pl.Datetime(unit, zone))
    instants = to_instants(values, Time(column="a", unit="iso"))
    assert instants.dt.year().to_list() == [9999, 1, None]
    assert to_text(values).null_count() == 1


def test_day_beyond_the_calendar_is_its_end(tmp_path: Path) -> None:
    values = column(tmp_path, [2**30, -(2**30), None], pl.Date)
    assert values.to_list() == [date(9999, 12, 31), date(1, 1, 1), None]


@pytest.mark.parametrize(
    "dtype",
    [pl.List(pl.Binary), pl.Struct({"b": pl.Datetime("us")}), pl.List(pl.Duration), pl.Array(pl.Time, 2)],
    ids=str,
)
def test_type_that_has_no_text_is_refused(dtype: Any, tmp_path: Path) -> None:
    file = write(tmp_path, pl.Series("a", [None], dtype), pl.Series("b", [1]))
    with pytest.raises(DataRefused, match=r"Column a of log\.parquet cannot be read; saw .its type"):
        read(file, "a")
    assert read(file, "b")["b"].to_list() == [1]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=r"log\.parquet cannot be read as a Parquet file.*utf8"):
        column(tmp_path, [b"\xff"], pl.Binary)


def test_missing_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=r"has no column b; saw 'columns a'"):
        read(write(tmp_path, pl.Series("a", [1])), "a", "b")


def test_rows_come_in_blocks_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_BLOCK_ROWS", 2)
    blocks = list(parquet_rows(write(tmp_path, pl.Series("a", range(5))), ("a",)))
    assert [block.height for block in blocks] == [2, 2, 1]
    assert pl.concat(blocks)[RAW].struct.field("a").to_list() == [0, 1, 2, 3, 4]


class TestContract(FormatContract):
    format = Parquet(kind="parquet")
    appends = False

    def write(self, path, pairs):
        pl.DataFrame(pairs, schema=["user", "item"], orient="row").write_parquet(path)


def test_damage_within_a_page_is_refused_where_polars_panics(tmp_path: Path) -> None:
    file = write(tmp_path, pl.Series("a", ["one", "two", "three", "two"] * 5))
    whole = file.path.read_bytes()
    refused = 0
    for place in range(58, 100):  # the header of the data page, and what follows it
        file.path.write_bytes(whole[:place] + bytes([87]) + whole[place + 1 :])
        try:
            read(file, "a")
        except DataRefused:
            refused += 1
    assert refused
