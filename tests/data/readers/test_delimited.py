from pathlib import Path

import pytest

from nightschool.columns import REASON
from nightschool.data.readers.delimited import Csv, read_header, require_fields
from nightschool.data.readers.parsing import split_csv, to_lines
from nightschool.data.readers.source_format import require_columns
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import DataRefused
from tests.data.readers.format_contract import FormatContract

FILE = SourceFile("log", Path("log"))


def header(tmp_path: Path, content: bytes, kind: Csv | None = None) -> tuple[str, ...]:
    (tmp_path / "log").write_bytes(content)
    return read_header(SourceFile("log", tmp_path / "log"), kind or Csv(), ("user",))


def test_first_line_names_the_columns(tmp_path):
    assert header(tmp_path, b'\xef\xbb\xbfuser,"a, b"\r\n1,2\n') == ("user", "a, b")


@pytest.mark.parametrize("line", [b"x, user \n", b"\xc2\xa0user,x\n", b'"\xef\xbb\xbfuser",x\n'])
def test_blanks_around_a_name_do_not_count(tmp_path, line):
    assert "user" in header(tmp_path, line)


def test_a_column_that_is_named_with_its_blanks_keeps_them(tmp_path):
    (tmp_path / "log").write_bytes(b" user,user,item \n")
    file = SourceFile("log", tmp_path / "log")
    assert read_header(file, Csv(), (" user", "item")) == (" user", "user", "item")


def test_columns_without_a_name_may_come_several_times(tmp_path):
    assert header(tmp_path, b"user,item,,\n") == ("user", "item", " 2", " 3")


def test_manifest_names_the_columns_of_a_headless_file(tmp_path):
    assert header(tmp_path, b"1,2\n", Csv(header=False, columns=("user", "item"))) == ("user", "item")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"user,item,item\n", r"names columns twice; saw \['item'\]"),
        (b"who,item\n", "log has no column user; saw 'columns who, item'; check the manifest's column names, sep"),
        (b"user;item\n", "saw 'columns user;item'; say separator = \";\" in its format"),
        (b"user\titem\n", r"say separator = .\\t. in its format"),
        (b"5,ada@x.org,1700000000\n", "saw '3 fields, of which some are no names'; .* say header = false"),
        (b"sep=;\nuser;item\n", "saw 'columns sep=;'; take that first line away"),
        (b"item\ruser,17\r7,19\r", "ends its lines with a carriage return alone"),
    ],
    ids=["twice", "missing", "separator", "tab", "values", "spreadsheet", "carriage return"],
)
def test_header_that_does_not_fit_is_refused(tmp_path, content, message):
    with pytest.raises(DataRefused, match=message):
        header(tmp_path, content)


def test_every_needed_column_must_be_there():
    require_columns(FILE, ("a", "b"), ("b",))
    with pytest.raises(DataRefused, match="log has no column c, d; saw 'columns a, b'"):
        require_columns(FILE, ("a", "b"), ("c", "b", "d"))


def test_one_line_must_have_the_fields_that_the_manifest_names():
    kind = Csv(header=False, columns=("a", "b"))
    rows = split_csv(to_lines(b"1\n1,2\n"), kind.columns, ",")
    assert rows[REASON].to_list() == ["wrong_field_count", None]
    require_fields(FILE, rows, kind)
    with pytest.raises(DataRefused, match=r"no line of log has the 2 columns .*; saw '1 fields where 2 are expected'"):
        require_fields(FILE, rows.head(1), kind)


class TestContract(FormatContract):
    format = Csv()

    def write(self, path, pairs):
        path.write_text("user,item\n" + "".join(f"{user},{item}\n" for user, item in pairs))


class TestContractHeadless(FormatContract):
    format = Csv(header=False, columns=("user", "item"), separator="::")

    def write(self, path, pairs):
        path.write_text("".join(f"{user}::{item}\n" for user, item in pairs))
