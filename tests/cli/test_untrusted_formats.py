"""Hostile JSON and Parquet files, through the command line: unchanged, put aside with a reason, or refused."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.columns import INTERACTIONS, ITEM_ID, ITEMS, TITLE, USER_ID
from tests.cli.conftest import Run
from tests.cli.untrusted import HEADER, N_ROWS, Untrusted

DEEP = 100_000
GOOD = {"user": 1, "item": 1, "rating": 3, "at": "2025-01-05T10:00:00Z", "seconds": 60, "liked": True}


@pytest.fixture
def source(tmp_path: Path, run: Run) -> Untrusted:
    return Untrusted(tmp_path / "source", run)


# JSON lines


def cells(**values: str) -> str:
    """A good object with the values of some keys as they are given, JSON or not."""
    row = {name: json.dumps(value) for name, value in GOOD.items()} | values
    return "{" + ", ".join(f'"{name}": {value}' for name, value in row.items()) + "}"


NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e400", "３", "0x3", "03", "9" * 40, "-" + "9" * 400]
NO_TEXTS = ['"\\ud800"', '"\x01"', '"a\tb"', '"\\x41"', "'1'"]
NO_IDS = ["true", "[1]", '{"a": 1}', "1.5", '"1\\u0000"']


@pytest.fixture
def lines(source: Untrusted) -> Untrusted:
    source.describe(('files = ["log.csv"]', 'files = ["log.jsonl"]\nformat = { kind = "jsonl" }'))
    names = HEADER.split(",")
    source.write("log.jsonl", [json.dumps(dict(zip(names, row.split(","), strict=True))) for row in source.rows])
    return source


BAD_LINES = [
    ("[1, 2, 3]", "bad_json"),
    ("5", "bad_json"),
    ('"user"', "bad_json"),
    ("null", "bad_json"),
    ("{", "bad_json"),
    (cells()[:-9], "bad_json"),
    (cells() + cells(), "bad_json"),
    (cells() + ",", "bad_json"),
    (cells().replace('"', "'"), "bad_json"),
    ("\ufeff" + cells(), "bad_json"),
    ("\u00a0" + cells(), "bad_json"),
    (cells() + " // why", "bad_json"),
    (cells(user="[" * DEEP + "]" * DEEP), "bad_json"),
    (cells(user='{"a":' * DEEP + "1" + "}" * DEEP), "bad_json"),
    ("[" * DEEP, "bad_json"),
    (cells(more="[" * DEEP + "]" * DEEP), "bad_json"),
    *[(cells(rating=number), "bad_json") for number in NO_NUMBERS],
    *[(cells(user=text), "bad_json") for text in NO_TEXTS],
    ("{}", "missing_item"),
    (cells(user="null"), "missing_user"),
    (cells().replace('"user"', '"User"'), "missing_user"),
    *[(cells(user=value), "bad_user") for value in NO_IDS],
    *[(cells(user=number), "mangled_id") for number in ("1e30", "9" * 20)],
    (cells(rating='"NaN"'), "missing_rating"),
    *[(cells(rating=value), "bad_rating") for value in ("[3]", "true", '{"value": 3}')],
    (cells(at="1735725600"), "bad_timestamp"),
    (cells(liked="[]"), "bad_liked"),
]


def test_lines_are_put_aside(lines: Untrusted) -> None:
    good = [json.dumps(GOOD | {"at": f"2025-01-05T10:{n % 60:02}:{n // 60:02}Z"}) for n in range(2_000)]
    lines.write("log.jsonl", [*good, *(line for line, _ in BAD_LINES)])
    expected = [(number, reason) for number, (_, reason) in enumerate(BAD_LINES, len(good) + 1)]
    assert lines.put_aside(INTERACTIONS) == expected


@pytest.mark.parametrize(
    ("line", "column", "value"),
    [
        (cells()[:-1] + ', "user": 2}', USER_ID, 1),
        (cells().replace('"user"', '"us\\u0065r"'), USER_ID, 1),
        (cells(user='"3"'), USER_ID, 3),
        ("  " + cells(user="4") + "  \r", USER_ID, 4),
        (cells(rating="3.5e0"), "rating", 3.5),
        (cells(more='"x: ' + "9" * 50 + ' ,"'), USER_ID, 1),
        (cells(more="0." + "1" * 60), USER_ID, 1),
        (cells(seconds="null"), "duration_seconds", None),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_odd_line_is_taken_in(line: str, column: str, value: Any, lines: Untrusted) -> None:
    """Of a key that comes twice the first value counts."""
    lines.append("log.jsonl", line)
    lines.accepted()
    assert lines.rows_of(INTERACTIONS).sort("source_row")[column].to_list()[-1] == value


@pytest.mark.parametrize("escaped", [True, False])
def test_titles_of_any_letters_come_in_unchanged(escaped: bool, source: Untrusted) -> None:
    titles = ["😀 שלום", 'a "b" \\ /', "line\nend\ttab", "\u2028\u200f\u202e", "=1+1", "é\u0301", "x" * 10_000]
    items = [{"item": item, "title": "Lesson", "level": "low"} for item in source.item_ids]
    items += [{"item": 100 + at, "title": title, "level": "high"} for at, title in enumerate(titles)]
    source.write("items.jsonl", [json.dumps(item, ensure_ascii=escaped) for item in items])
    source.describe(('files = ["items.csv"]', 'files = ["items.jsonl"]\nformat = { kind = "jsonl" }'))
    source.accepted()
    assert source.rows_of(ITEMS).filter(pl.col(ITEM_ID) >= 100).sort(ITEM_ID)[TITLE].to_list() == titles


@pytest.mark.parametrize(
    "value", ['[["a"]]', '[{"a": 1}]', '["a"', "[" + "9" * 50 + "]", "{}", "5", '"a"', "[" * DEEP + "]" * DEEP]
)
def test_list_that_is_none_is_put_aside(value: str, source: Untrusted) -> None:
    source.describe(("[items]", '[items]\nlists = { tags = "" }'))
    quoted = value.replace('"', '""')
    source.write(
        "items.csv", ["item,title,level,tags", *(f"{i},L,low,[]" for i in source.item_ids), f'9,L,low,"{quoted}"']
    )
    assert source.put_aside(ITEMS) == [(9, "bad_tags")]


# Parquet

IDS = [1, 2, 3, 4, 5] * 8


@pytest.fixture
def table(source: Untrusted) -> Untrusted:
    source.describe(('files = ["log.csv"]', 'files = ["log.parquet"]\nformat = { kind = "parquet" }'))
    return source


def write_parquet(source: Untrusted, **columns: pl.Series) -> None:
    frame = pl.DataFrame([GOOD] * N_ROWS).with_columns(user=pl.Series(IDS))
    frame.with_columns(**columns).write_parquet(source.folder / "log.parquet")


@pytest.mark.parametrize(
    "columns",
    [
        {"user": pl.Series(IDS).cast(pl.String), "item": pl.Series(["1"] * N_ROWS).cast(pl.Categorical)},
        {"user": pl.Series(IDS, dtype=pl.UInt8), "rating": pl.Series([Decimal("3.50")] * N_ROWS)},
        {"user": pl.Series(IDS, dtype=pl.Int128), "rating": pl.Series(["3"] * N_ROWS, dtype=pl.Enum(["3"]))},
        {"user": pl.Series([str(id_).encode() for id_ in IDS]), "seconds": pl.Series([timedelta(minutes=1)] * N_ROWS)},
        {"at": pl.Series([datetime(2025, 1, 5)] * N_ROWS, dtype=pl.Datetime("ns"))},
        {"at": pl.Series([datetime(2025, 1, 5)] * N_ROWS, dtype=pl.Datetime("ms", "Asia/Tokyo"))},
        {"at": pl.Series([date(2025, 1, 5)] * N_ROWS), "liked": pl.Series(["yes"] * N_ROWS)},
        {"liked": pl.Series([None] * N_ROWS), "seconds": pl.Series([1.5] * N_ROWS, dtype=pl.Float32)},
    ],
    ids=lambda columns: " ".join(str(values.dtype) for values in columns.values()),
)
def test_parquet_of_other_types_is_taken_in(columns: dict[str, pl.Series], table: Untrusted) -> None:
    write_parquet(table, **columns)
    assert table.accepted()["interactions"]["accepted"] == N_ROWS
    assert table.rows_of(INTERACTIONS).sort("source_row")[USER_ID].to_list() == IDS


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("user", pl.Series([[1]]), "bad_user"),
        ("user", pl.Series([{"id": 1}]), "bad_user"),
        ("user", pl.Series([1.5]), "bad_user"),
        ("user", pl.Series([float("nan")]), "missing_user"),
        ("user", pl.Series([2**100], dtype=pl.Int128), "bad_user"),
        ("user", pl.Series([datetime(2025, 1, 5)]), "bad_user"),
        ("rating", pl.Series([float("inf")]), "bad_rating"),
        ("rating", pl.Series([float("nan")]), "missing_rating"),
        ("rating", pl.Series([True]), "bad_rating"),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pl.Series) else str(value),
)
def test_parquet_of_a_type_that_fits_no_row_is_refused(
    name: str, value: pl.Series, reason: str, table: Untrusted
) -> None:
    write_parquet(table, **{name: value.new_from_index(0, N_ROWS)})
    table.refused(3, f"too_many_bad_rows ({N_ROWS} of {N_ROWS} rows)", f"{reason} {N_ROWS}")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("seconds", pl.Series([timedelta(seconds=-1)]), "negative_duration"),
        ("seconds", pl.Series([timedelta(days=10**5)]), "duration_too_long"),
        ("at", pl.Series([2**61], dtype=pl.Datetime("us")), "timestamp_in_future"),
        ("at", pl.Series([-(2**61)], dtype=pl.Datetime("us")), "timestamp_too_early"),
        ("at", pl.Series([0], dtype=pl.Datetime("ms")), "epoch_zero"),
        ("at", pl.Series([1735725600]), "bad_timestamp"),
        ("at", pl.Series([2**30], dtype=pl.Int32).cast(pl.Date), "timestamp_in_future"),
        ("liked", pl.Series([[True]]), "bad_liked"),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pl.Series) else str(value),
)
def test_parquet_row_is_put_aside(name: str, value: pl.Series, reason: str, table: Untrusted) -> None:
    missing = pl.Series([None] * (N_ROWS - 1), dtype=value.dtype)
    write_parquet(table, **{name: pl.concat([missing, value])})
    assert table.put_aside(INTERACTIONS) == [(N_ROWS, reason)]


def test_parquet_without_rows_or_columns_is_refused(table: Untrusted) -> None:
    pl.DataFrame(schema=dict.fromkeys(HEADER.split(","), pl.String)).write_parquet(table.folder / "log.parquet")
    table.refused(3, "log.parquet holds no rows")
    pl.DataFrame({"x": [1]}).write_parquet(table.folder / "log.parquet")
    table.refused(3, "log.parquet has no column")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 9, (HEADER + "\n1,1,3,,,\n").encode()])
def test_parquet_that_is_none_is_refused(content: bytes, table: Untrusted) -> None:
    table.write("log.parquet", content)
    table.refused(3, "log.parquet cannot be read as a Parquet file")


def test_parquet_with_bytes_and_nested_instants_is_refused(table: Untrusted) -> None:
    write_parquet(table, user=pl.Series([b"\xff"] * N_ROWS))
    table.refused(3, "log.parquet cannot be read as a Parquet file", "utf8")
    write_parquet(table, user=pl.Series([{"at": datetime(2025, 1, 5)}] * N_ROWS))
    table.refused(3, "Column user of log.parquet cannot be read", "Struct")
