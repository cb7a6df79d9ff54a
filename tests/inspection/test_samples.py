import json
from datetime import datetime

import polars as pl
import pytest

from nightschool.data.readers.heads import SAMPLE_ROWS
from nightschool.errors import DataRefused
from nightschool.inspection.samples import take_sample
from tests.inspection.conftest import lines


def test_csv_with_a_header(put):
    sample = take_sample(put("f.dat", "user;text\r\n1;ü\r\n2;ß\r\n".encode("latin-1")))
    assert sample.format.model_dump(exclude_defaults=True) == {"separator": ";", "encoding": "iso8859-1"}
    assert sample.rows.to_dicts() == [{"user": "1", "text": "ü"}, {"user": "2", "text": "ß"}]
    assert sample.whole
    assert not sample.invented
    assert set(sample.whys) == {"separator", "header", "encoding"}


def test_csv_without_a_header_has_invented_columns(put):
    sample = take_sample(put("f.data", lines("1\t10\t3", "2\t20\t5")))
    assert sample.format.columns == ("column_1", "column_2", "column_3")
    assert sample.invented
    assert sample.rows["column_2"].to_list() == ["10", "20"]


def test_few_bad_lines_are_left_out_and_many_refuse_the_file(put):
    good = [f"{n},{n}" for n in range(30)]
    assert take_sample(put("f.csv", lines("a,id", *good, "31 rows in total"))).rows.height == 30
    late = [*(f"{n},{n}" for n in range(1200)), *("x" for _ in range(300))]
    with pytest.raises(DataRefused, match="20% of its lines do not have 2 fields"):
        take_sample(put("g.csv", lines("a,id", *late)))


def test_jsonl_has_the_keys_of_its_first_objects(put):
    rows = [{"id": 1, "tags": ["a"]}, {"id": 2, "by": {"user": 3}}]
    sample = take_sample(put("f.log", lines(*map(json.dumps, rows))))
    assert sample.format.kind == "jsonl"
    assert sample.rows.to_dict(as_series=False) == {
        "id": ["1", "2"],
        "tags": ['["a"]', None],
        "by": [None, '{"user":3}'],
        "by.user": [None, "3"],
    }


def test_keys_that_no_manifest_can_hold_are_left_out(put):
    rows = ['{"a": 1, "\\ud800": 2}', *('{"a": 3}' for _ in range(20))]
    assert take_sample(put("f.jsonl", lines(*rows))).rows.columns == ["a"]


def test_json_nested_without_end_harms_nobody(put):
    deep = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"
    with pytest.raises(DataRefused):
        take_sample(put("f.jsonl", lines(deep)))


def test_adjacency(put):
    sample = take_sample(put("train.txt", lines("0 5 6", "1 5 7 8")))
    assert sample.format.kind == "adjacency"
    assert sample.rows.rows() == [("0", "5"), ("0", "6"), ("1", "5"), ("1", "7"), ("1", "8")]


def test_parquet_keeps_its_types(folder, put):
    frame = pl.DataFrame({"at": [datetime(2024, 1, 1)] * (SAMPLE_ROWS + 1)})
    file = put("f.parquet", b"")
    frame.write_parquet(file.path)
    sample = take_sample(file)
    assert (sample.rows.height, sample.whole, sample.rows.schema["at"]) == (SAMPLE_ROWS, False, pl.Datetime("us"))


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("f.json", b'[\n{"a": 1}\n]', "is one JSON list"),
        ("f.xml", b"<rows></rows>", "is XML"),
        ("f.npz", b"PK\x03\x04", 'kind = "csr"'),
        ("f.parquet", b"PAR1 and nothing more", "cannot be read as a Parquet"),
        ("f.txt", b"some words\nand others, too\n", "is no table"),
        ("f.csv", b"user_id,item_id\n", "holds no rows"),
        ("f.jsonl", b"{oops\n{again\n", "0 different keys"),
    ],
)
def test_what_holds_no_table_is_refused_with_the_reason(put, name, data, told):
    with pytest.raises(DataRefused, match=told):
        take_sample(put(name, data))


def test_parquet_without_rows_is_refused(put):
    file = put("f.parquet", b"")
    pl.DataFrame({"a": []}).write_parquet(file.path)
    with pytest.raises(DataRefused, match="holds no rows"):
        take_sample(file)


def test_numbers_with_a_decimal_comma_are_known_by_them(put):
    sample = take_sample(put("f.csv", lines("user;rating;price", "1;4,5;1.000,50", "2;3;9,99", "3;2,0;7")))
    assert (sample.format.decimal, sample.format.thousands) == (",", ".")
    assert sample.rows["rating"].to_list() == ["4.5", "3", "2.0"]
    assert sample.rows["price"].to_list() == ["1000.50", "9.99", "7"]
    assert take_sample(put("g.csv", lines("user;n;x", "1;1,234;5.5", "2;5,678;7.5"))).format.decimal == "."
