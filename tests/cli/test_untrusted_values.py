"""Hostile values in the rows of a source, through the command line: unchanged, put aside with a reason, or refused."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.columns import DURATION, INTERACTIONS, ITEM_ID, ITEMS, LIKED, RATING, TIMESTAMP, TITLE, USER_ID, USERS
from tests.cli.conftest import Run
from tests.cli.untrusted import HEADER, N_ROWS, Untrusted, log_row

SQL = "'; DROP TABLE users; --"
FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)"]
LONG = "7" * 10_000


@pytest.fixture
def source(tmp_path: Path, run: Run) -> Untrusted:
    return Untrusted(tmp_path / "source", run)


# Numbers, ids and times as cells of a log whose ids are whole numbers


BAD_CELLS: list[tuple[dict[str, str], str]] = [
    *[({"user": id_}, "bad_user") for id_ in ("007", "１２", "1_000", "+1", "1.5", "0x1", "9" * 20)],
    *[({"user": id_}, "missing_user") for id_ in ("NaN", "null", "\\N", " ")],
    ({"user": "1e3"}, "mangled_id"),
    *[({"user": id_}, "bad_user") for id_ in (SQL, "=1+1", "\u202e1", "${HOME}", "../1")],
    *[({"user": id_}, "bad_user") for id_ in ("1\x00", "\x1b[2J", "\x071", LONG)],
    *[({"user": id_}, "unknown_user") for id_ in ("-1", "0", "999", str(2**63 - 1), str(-(2**63)))],
    ({"user": ""}, "missing_user"),
    ({"item": ""}, "missing_item"),
    ({"item": "١"}, "bad_item"),
    ({"item": "99"}, "unknown_item"),
    *[({"rating": number}, "bad_rating") for number in ("Infinity", "-inf", "1e400", "１", "1_0", "five")],
    *[({"rating": number}, "rating_out_of_range") for number in ("1e3", "-3", "0", "5.01", "9" * 30)],
    *[({"rating": word}, "missing_rating") for word in ("", "NaN")],
    *[({"seconds": number}, "bad_duration") for number in ("inf", "-Infinity", "1_000", "ten", "1 000")],
    ({"seconds": "-1"}, "negative_duration"),
    ({"seconds": "1e18"}, "duration_too_long"),
    *[({"at": time}, "bad_timestamp") for time in ("2024-02-30", "2025-13-01", "2025-01-01T25:00:00", "soon")],
    *[({"at": time}, "bad_timestamp") for time in ("10000-01-01", "２０２５-01-01", "9" * 30)],
    *[({"at": time}, "epoch_zero") for time in ("1970-01-01", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z")],
    *[({"at": time}, "timestamp_too_early") for time in ("1960-01-01", "0001-01-01")],
    *[({"at": time}, "timestamp_in_future") for time in ("2999-01-01", "9999-12-31T23:59:59Z")],
    *[({"liked": flag}, "bad_liked") for flag in ("maybe", "2", "-1", "ｔｒｕｅ")],
]


def test_cells_put_their_rows_aside(source: Untrusted) -> None:
    good = source.many_rows(100)
    source.write("log.csv", [HEADER, *good, *(log_row(**cells) for cells, _ in BAD_CELLS)])
    expected = [(number, reason) for number, (_, reason) in enumerate(BAD_CELLS, len(good) + 1)]
    assert source.put_aside(INTERACTIONS) == expected


@pytest.mark.parametrize(
    ("cells", "column", "value"),
    [
        ({"rating": "005"}, RATING, 5.0),
        ({"rating": "4.99999999999"}, RATING, 4.99999999999),
        ({"rating": "3e0"}, RATING, 3.0),
        ({"seconds": "1e3"}, DURATION, 1000.0),
        ({"seconds": "0"}, DURATION, 0.0),
        ({"seconds": ""}, DURATION, None),
        ({"seconds": "NaN"}, DURATION, None),
        ({"liked": "YES"}, LIKED, True),
        ({"liked": ""}, LIKED, None),
        ({"at": ""}, TIMESTAMP, None),
        ({"at": "null"}, TIMESTAMP, None),
        ({"liked": "NaN"}, LIKED, None),
        ({"user": " 1"}, USER_ID, 1),
        ({"user": "1.0"}, USER_ID, 1),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_odd_cell_is_taken_in_as_what_it_says(
    cells: dict[str, str], column: str, value: Any, source: Untrusted
) -> None:
    source.append("log.csv", log_row(**cells))
    source.accepted()
    assert source.rows_of(INTERACTIONS).sort("source_row")[column].to_list()[-1] == value


@pytest.mark.parametrize(
    ("unit", "value", "reason"),
    [
        ("s", "0", "epoch_zero"),
        ("s", "-86399", "epoch_zero"),
        ("s", "-1e9", "timestamp_too_early"),
        *[("s", value, "wrong_time_unit") for value in ("1735725600000", "1e30", "9" * 30, "-1e30", str(2**63))],
        ("ms", "1735725600", "wrong_time_unit"),
        ("us", "1735725600000", "wrong_time_unit"),
        *[("s", value, "bad_timestamp") for value in ("inf", "2025-01-01", "１７３５７２５６００", "1e400")],
    ],
)
def test_count_of_time_puts_its_row_aside(unit: str, value: str, reason: str, source: Untrusted) -> None:
    source.describe(('unit = "iso"', f'unit = "{unit}"'))
    now = {"s": "1735725600", "ms": "1735725600000", "us": "1735725600000000"}[unit]
    rows = [line.replace("2025-01-05T10:00:00Z", now) for line in source.rows]
    source.write("log.csv", ["user,item,rating,at,seconds,liked", *rows, log_row(at=value)])
    assert source.put_aside(INTERACTIONS) == [(N_ROWS + 1, reason)]


# Ids and titles that are text


ODD_IDS = [
    *FORMULAS,
    SQL,
    "שלום",
    "🎓",
    "a/b\\c",
    "%s{0}",
    "e\u0301",
    "007",
    "１２",
    "../../etc/passwd",
]


def test_odd_ids_come_in_unchanged(source: Untrusted) -> None:
    source.write("users.csv", ["user,city", *(f"{user},Kraków" for user in [*source.user_ids, *ODD_IDS])])
    source.append("log.csv", *(log_row(user) for user in ODD_IDS))
    source.accepted()
    assert {*ODD_IDS} <= {*source.rows_of(USERS)[USER_ID]}
    log = source.rows_of(INTERACTIONS).sort("source_row")
    assert log[USER_ID].to_list()[N_ROWS:] == ODD_IDS
    again = source.ingest().document["interactions"]
    assert (again["already_known"], again["accepted"]) == (N_ROWS + len(ODD_IDS), 0)


ODD_TITLES = [
    *(
        *FORMULAS,
        SQL,
        "שלום عليكم",
        "\u202eabc",
        "👩‍👩‍👧‍👦 🏳️‍🌈",
        "e\u0301 ﷽ ㌀",
        "[/b] :smile:",
        "<script>alert(1)</script>",
    ),
    *("{{7*7}} ${x} %s", "\\N \\x00 \\u0000", "NULL", "nan", "'", "\u200b", "x" * 5_000),
]


@pytest.mark.parametrize(
    ("id_", "reason"),
    [
        (LONG, "id_too_long"),
        *[(id_, "control_character_in_id") for id_ in ("a\x00", "\x1b[2J", "a\tx", "a\x7f", "\x85")],
        ("", "missing_user"),
        ("nobody", "unknown_user"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_text_as_an_id_puts_its_row_aside(id_: str, reason: str, source: Untrusted) -> None:
    source.append("users.csv", "x,Kraków")
    source.append("log.csv", log_row(id_))
    assert source.put_aside(INTERACTIONS) == [(N_ROWS + 1, reason)]


def test_user_of_an_impossible_id_is_put_aside(source: Untrusted) -> None:
    source.append("users.csv", f"{LONG},Kraków", "\x00,Kraków")
    assert source.put_aside(USERS) == [(6, "id_too_long"), (7, "control_character_in_id")]


def test_odd_titles_come_in_unchanged(source: Untrusted) -> None:
    source.append("items.csv", *(f"{100 + at},{title},high" for at, title in enumerate(ODD_TITLES)))
    source.accepted()
    titles = source.rows_of(ITEMS).filter(pl.col(ITEM_ID) >= 100).sort(ITEM_ID)[TITLE]
    assert titles.to_list() == ODD_TITLES


def test_quoted_title_keeps_its_line_ends_separators_and_quotes(source: Untrusted) -> None:
    source.append("items.csv", '100,"a, ""b""\nc,d\n\n=e",low')
    source.accepted()
    assert source.rows_of(ITEMS).filter(pl.col(ITEM_ID) == 100)[TITLE].to_list() == ['a, "b"\nc,d\n\n=e']


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("100,Bell \x07,low", "control_character_in_text"),
        ("100,Nothing \x00,low", "control_character_in_text"),
        ("100,Clear \x1b[2J,low", "control_character_in_text"),
        (f"100,{'x' * 10 * 2**20},low", "text_too_long"),
        ("100,Lesson,sideways", "bad_level"),
        (",Lesson,low", "missing_item"),
        ("1,Again,low", "duplicate_id"),
        ('100,"Lesson,low', "bad_quoting"),
        ("100,Lesson", "wrong_field_count"),
        ("100,Lesson,low,,", "wrong_field_count"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_item_is_put_aside(line: str, reason: str, source: Untrusted) -> None:
    source.append("items.csv", line)
    assert source.put_aside(ITEMS) == [(9, reason)]
