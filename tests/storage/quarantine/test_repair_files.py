import csv
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightschool.columns import QUARANTINE
from nightschool.errors import ConfigurationError, DataRefused, NotFound
from nightschool.storage.quarantine.repair_files import read_repairs, write_rows

SCHEMA = QUARANTINE.schema(user_id=pl.Int64(), item_id=pl.Int64())


def rows(*kept: dict, file: str = "log.csv") -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "table": ["interactions"] * len(kept),
            "source_file": [file] * len(kept),
            "source_row": range(1, len(kept) + 1),
            "reason": ["bad_rating"] * len(kept),
            "detail": [None] * len(kept),
            "row": [json.dumps(row, ensure_ascii=False) for row in kept],
        },
        schema_overrides=SCHEMA,
    )
    return frame.with_columns(pl.lit(None, pl.Datetime("us", "UTC")).alias("quarantined_at"))


def first_line(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.DictReader(file))


COLUMNS = ("user", "item", "line")


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_what_was_written_is_read_back(tmp_path, suffix):
    out = tmp_path / f"bad{suffix}"
    write_rows(rows({"user": "1", "item": 'x,\n"y" 日本'}, {"line": "only a line"}), COLUMNS, out)
    repairs = read_repairs(out)
    assert repairs.select("table", "source_file", "source_row").rows() == [
        ("interactions", "log.csv", 1),
        ("interactions", "log.csv", 2),
    ]
    found = [{key: value for key, value in json.loads(row).items() if value is not None} for row in repairs["row"]]
    assert found == [{"user": "1", "item": 'x,\n"y" 日本'}, {"line": "only a line"}]


def test_json_lines_hold_the_row_as_it_was_kept(tmp_path):
    out = tmp_path / "bad.jsonl"
    kept = '{"user": 1.50, "more": {"deep": [12345678901234567890, null]}, "é": "\\u0000"}'
    write_rows(rows({}).with_columns(pl.lit(kept).alias("row")), COLUMNS, out)
    assert kept in out.read_text(encoding="utf-8")
    assert json.loads(out.read_text(encoding="utf-8"))["reason"] == "bad_rating"


def test_csv_shows_each_column_under_a_name_of_its_own(tmp_path):
    out = tmp_path / "bad.csv"
    write_rows(rows({"table": "t", "reason": "r"}), ("table", "reason", "line"), out)
    cells = first_line(out)
    assert (cells["table"], cells["row.table"]) == ("interactions", "t")
    assert (cells["reason"], cells["row.reason"], cells["row.line"]) == ("bad_rating", "r", "")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''-x", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula_and_all_come_back(tmp_path, cell):
    out = tmp_path / "bad.csv"
    write_rows(rows({"user": cell}, file=cell), COLUMNS, out)
    cells = first_line(out)
    assert not [text for text in cells.values() if text.startswith(("=", "+", "-", "@", "\t", "\r"))]
    repairs = read_repairs(out)
    assert json.loads(repairs["row"][0])["user"] == cell
    assert repairs["source_file"][0] == cell


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(value=st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20))
@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_any_text_comes_back(tmp_path, suffix, value):
    out = tmp_path / f"bad{suffix}"
    write_rows(rows({"user": value}), COLUMNS, out)
    assert json.loads(read_repairs(out)["row"][0])["user"] == value


def test_spreadsheets_may_write_a_byte_order_mark(tmp_path):
    out = tmp_path / "bad.csv"
    write_rows(rows({"user": "1"}), COLUMNS, out)
    out.write_bytes(b"\xef\xbb\xbf" + out.read_bytes())
    assert read_repairs(out).height == 1


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "table;source_file;source_row;row.user\n", "lacks columns table, source_file, source_row"),
        ("a.csv", "table,source_file,source_row\ninteractions,log.csv,1\n", "lacks columns row"),
        (
            "a.csv",
            "table,source_file,source_row,row.a\ninteractions,log.csv,one,1\n",
            "no quarantined row; saw 'row 1'",
        ),
        ("a.csv", 'table,source_file,source_row,row.a\n1,2,3,"x\n', "cannot be read"),
        ("a.csv", "", "cannot be read"),
        ("a.jsonl", "[1]\n", "no quarantined row; saw 'row 1'"),
        ("a.jsonl", '{"table":"t","source_file":"f","source_row":1,"row":"text"}\n', "no quarantined row"),
        (
            "a.jsonl",
            '{"table":"t","source_file":"f","source_row":1,"row":{}}\n' * 2,
            "holds a row twice; saw 't f row 1'",
        ),
    ],
)
def test_file_that_is_no_export_is_refused(tmp_path, name, text, told):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataRefused, match=told) as error:
        read_repairs(tmp_path / name)
    assert error.value.exit_code == 3


def test_bytes_that_are_no_text_are_refused(tmp_path):
    for name in ("a.csv", "a.jsonl"):
        (tmp_path / name).write_bytes(b"table,source_file,source_row,row.a\nt,f,1,\xff\xfe\n")
        with pytest.raises(DataRefused, match="cannot be read"):
            read_repairs(tmp_path / name)


def test_other_types_and_missing_files_are_told(tmp_path):
    with pytest.raises(ConfigurationError, match=r"saw 'a\.xlsx'; end the name in"):
        read_repairs(tmp_path / "a.xlsx")
    with pytest.raises(ConfigurationError, match="unknown file type"):
        write_rows(rows({}), COLUMNS, tmp_path / "a")
    with pytest.raises(ConfigurationError, match="cannot write"):
        write_rows(rows({}), COLUMNS, tmp_path / "no" / "a.csv")
    with pytest.raises(NotFound, match="quarantine export"):
        read_repairs(tmp_path / "a.csv")
