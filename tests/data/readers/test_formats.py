import importlib

import pytest
from pydantic import TypeAdapter, ValidationError

from nightschool.data.readers.addresses import require_address
from nightschool.data.readers.adjacency import Adjacency
from nightschool.data.readers.csr import Csr
from nightschool.data.readers.delimited import Csv
from nightschool.data.readers.formats import FORMATS, Format
from nightschool.data.readers.jsonl import Jsonl
from nightschool.data.readers.parquet import Parquet
from nightschool.data.readers.sql import Sql
from tests.data.readers.format_contract import FormatContract

ANY = TypeAdapter(Format)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"kind": "csv"}, Csv),
        ({"kind": "csv", "separator": "::", "header": False, "columns": ["a", "b"]}, Csv),
        ({"kind": "parquet"}, Parquet),
        ({"kind": "jsonl", "encoding": "utf-16"}, Jsonl),
        ({"kind": "adjacency"}, Adjacency),
        ({"kind": "csr", "id": 0, "columns": [1, 3]}, Csr),
        ({"kind": "csr", "lists": {"tags": [1, 1]}}, Csr),
        ({"kind": "sql", "uri": "sqlite:///a.db", "query": "SELECT 1 AS id", "key": "id"}, Sql),
        ({"kind": "sql", "uri": "$PLATFORM", "query": "SELECT 1 AS id", "key": "id", "name": "log"}, Sql),
    ],
)
def test_kind_chooses_the_format(value, kind):
    assert isinstance(ANY.validate_python(value), kind)


def test_kind_without_the_option_refuses_it():
    with pytest.raises(ValidationError, match="separator"):
        ANY.validate_python({"kind": "parquet", "separator": ","})


def test_encodings_have_one_spelling():
    assert Csv(encoding="Latin1").encoding == Csv(encoding="iso-8859-1").encoding


CSR_FAULTS = {
    "backwards": ({"columns": [3, 1]}, "first column of a range before its last"),
    "negative": ({"id": -1}, "greater than or equal to 0"),
    "three ends": ({"columns": [1, 2, 3]}, "at most 2"),
    "both": ({"columns": [1, 2], "lists": {"a": [1, 2]}}, "or lists to read one row per matrix row"),
    "list named row": ({"lists": {"row": [1, 2]}}, "another name than row"),
}


@pytest.mark.parametrize(("more", "message"), CSR_FAULTS.values(), ids=CSR_FAULTS)
def test_csr_says_which_columns_it_means(more, message):
    with pytest.raises(ValidationError, match=message):
        ANY.validate_python({"kind": "csr", **more})


SQL_FAULTS = {
    "no uri": ({"uri": ""}, "at least 1"),
    "another kind": ({"uri": "mysql://h/d"}, "give uri as"),
    "absolute": ({"uri": "sqlite:////etc/a.db"}, "below the source root"),
    "parent": ({"uri": "sqlite:///../a.db"}, "below the source root"),
    "in memory": ({"uri": "sqlite://"}, "give uri as"),
    "no query": ({"query": " "}, "should match pattern"),
    "semicolon": ({"query": "SELECT 1;\n"}, "without a semicolon"),
    "path as name": ({"name": "../log"}, "should match pattern"),
}


@pytest.mark.parametrize(("more", "message"), SQL_FAULTS.values(), ids=SQL_FAULTS)
def test_sql_says_what_it_reads(more, message):
    with pytest.raises(ValidationError, match=message):
        ANY.validate_python({"kind": "sql", "uri": "$X", "query": "SELECT 1 AS id", "key": "id", **more})


@pytest.mark.parametrize(
    "uri", ["sqlite:///a/b.db", "postgresql://u:p@h/d", "postgresql+psycopg://h/d?sslmode=require"]
)
def test_addresses_that_can_be_read(uri):
    assert require_address(uri) == uri


@pytest.mark.parametrize("name", ["base64", "undefined", "rot13", "zlib", "no such"])
def test_codec_of_no_text_is_no_encoding(name):
    with pytest.raises(ValidationError, match="such as utf-8 or latin-1"):
        Csv(encoding=name)


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.__name__)
def test_every_format_keeps_the_contract_in_its_own_test_file(kind):
    name = kind.__module__.rpartition(".")[2]
    tests = vars(importlib.import_module(f"tests.data.readers.test_{name}")).values()
    inherited = [each for each in tests if isinstance(each, type) and issubclass(each, FormatContract)]
    assert any(type(each.format) is kind for each in inherited if each is not FormatContract)
