"""Text files as other programs write them: separators, line ends, marks and encodings."""

import pytest

from nightschool.columns import REASON
from nightschool.data.readers import sources, text_format
from nightschool.data.readers.delimited import Csv
from nightschool.errors import DataRefused
from tests.data.readers.test_source_format import EXPECTED, read, reading

LINE_ENDS = {
    "unix": b"user,item\nu1,a\nu2,b\n",
    "windows": b"user,item\r\nu1,a\r\nu2,b\r\n",
    "mixed": b"user,item\r\nu1,a\nu2,b\r\n",
    "none at the end": b"user,item\nu1,a\r\nu2,b",
    "windows at the end": b"user,item\nu1,a\nu2,b\r",
    "byte order mark": b"\xef\xbb\xbfuser,item\nu1,a\nu2,b\n",
    "blank lines": b"user,item\n\r\nu1,a\n \nu2,b\n\n",
}


@pytest.mark.parametrize("content", LINE_ENDS.values(), ids=LINE_ENDS)
def test_line_ends_may_be_mixed(tmp_path, content):
    assert read(reading(tmp_path, content)) == EXPECTED


@pytest.mark.parametrize("separator", [";", "::", "\t", "|~|", "§"])
def test_separator_may_be_anything(tmp_path, separator):
    content = "user,item\r\nu1,a\nu2,b\n".replace(",", separator)
    assert read(reading(tmp_path, content.encode(), Csv(separator=separator))) == EXPECTED


def test_lone_carriage_return_belongs_to_its_field(tmp_path):
    assert read(reading(tmp_path, b"user,item\nu1,a\rb\nu2,b\n")) == [(1, "u1", "a\rb"), (2, "u2", "b")]


def test_file_with_carriage_returns_alone_is_refused(tmp_path):
    with pytest.raises(DataRefused, match=r"log ends its lines with a carriage return alone; write it with line"):
        read(reading(tmp_path, b"user,item\ru1,a\ru2,b\r"))


WIDE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"]


@pytest.mark.parametrize("encoding", WIDE)
def test_wide_encodings_are_read(tmp_path, encoding):
    content = "user,item\r\nu1,ਊ学\nu2,b\n".encode(encoding)
    assert read(reading(tmp_path, content, Csv(encoding=encoding))) == [(1, "u1", "ਊ学"), (2, "u2", "b")]


@pytest.mark.parametrize("encoding", WIDE)
def test_file_in_a_wide_encoding_cannot_grow(tmp_path, encoding):
    first = reading(tmp_path, "user,item\nu1,a\n".encode(encoding), Csv(encoding=encoding))
    read(first)
    same = reading(tmp_path, "user,item\nu1,a\n".encode(encoding), Csv(encoding=encoding), first.extent)
    assert read(same) == []
    assert same.extent == first.extent
    grown = reading(tmp_path, "user,item\nu1,a\nu2,b\n".encode(encoding), Csv(encoding=encoding), first.extent)
    with pytest.raises(DataRefused, match=r"changed in place.*come in a new file"):
        read(grown)


def test_record_that_never_closes_costs_one_row(tmp_path, monkeypatch):
    monkeypatch.setattr(text_format, "LONGEST_LINE", 20)
    monkeypatch.setattr(sources.HashedStream.read, "__defaults__", (16,))
    content = b'user,item\nu1,"a\n' + b"u2,b\n" * 9
    frames = reading(tmp_path, content).batches()
    reasons = [reason for frame in frames for reason in frame[REASON]]
    assert reasons == ["bad_quoting", *[None] * 9]
