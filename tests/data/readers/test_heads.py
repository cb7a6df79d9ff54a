import gzip
import zipfile

import pytest

from nightschool.data.readers import heads
from nightschool.data.readers.heads import SAMPLE_ROWS, read_head
from nightschool.errors import DataRefused, NotFound
from tests.inspection.conftest import lines


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        ("a,ü\n".encode(), "utf-8", "a,ü"),
        ("\ufeffa,ü\n".encode(), "utf-8", "a,ü"),
        ("a,ü\n".encode("latin-1"), "latin-1", "a,ü"),
        ("a,\u201cü\u201d €\n".encode("cp1252"), "cp1252", "a,\u201cü\u201d €"),
        (b"a,\x81\xfc\n", "latin-1", "a,\x81ü"),
        ("a,ü\n".encode("utf-16"), "utf-16", "a,ü"),
    ],
)
def test_encoding_is_told_from_the_bytes(put, data, encoding, text):
    head = read_head(put("f.csv", data))
    assert (head.encoding, head.lines.to_list(), head.whole) == (encoding, [text], True)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "f.csv is empty"),
        (b" \r\n\n", "f.csv is empty"),
        (b"1,2\n\x00\x01\x02", "is no text"),
        (b"SQLite format 3\x00...", "SQLite"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"PK\x03\x04rest", "spreadsheet or an archive"),
        (gzip.compress(b"a,b\n", mtime=0), "does not end in .gz"),
    ],
)
def test_what_is_no_text_is_refused_with_the_reason(put, data, told):
    with pytest.raises(DataRefused, match=told):
        read_head(put("f.csv", data))


def test_only_the_first_lines_are_read(put):
    head = read_head(put("f.csv", lines(*map(str, range(SAMPLE_ROWS + 5)))))
    assert (len(head.lines), head.lines[-1], head.whole) == (SAMPLE_ROWS, str(SAMPLE_ROWS - 1), False)


def test_sample_ends_with_a_whole_line_and_no_half_letter(put, monkeypatch):
    monkeypatch.setattr(heads, "BLOCK_BYTES", 11)
    head = read_head(put("f.csv", "aaa\nbbb\nüüüüü\n"))
    assert (head.lines.to_list(), head.encoding, head.whole) == (["aaa", "bbb"], "utf-8", False)


def test_endless_first_line_is_refused(put, monkeypatch):
    monkeypatch.setattr(heads, "BLOCK_BYTES", 2**20)
    with pytest.raises(DataRefused, match="first line of more than 1 MiB"):
        read_head(put("f.csv", b"x" * (2**20 + 2)))


def test_compressed_files_are_read(put):
    assert read_head(put("f.csv.gz", gzip.compress(b"a\nb\n"))).lines.to_list() == ["a", "b"]


def test_cut_short_archive_is_refused(put):
    with pytest.raises(DataRefused, match=r"f\.csv\.gz cannot be decompressed"):
        read_head(put("f.csv.gz", gzip.compress(b"a,b\n" * 999)[:30]))


def test_archive_with_a_password_is_refused(put, folder):
    with zipfile.ZipFile(folder / "f.zip", "w") as archive:
        archive.writestr("f.csv", "a,b\n")
    data = bytearray((folder / "f.zip").read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(DataRefused, match="password required"):
        read_head(put("f.zip", bytes(data)))


def test_file_that_is_gone_is_not_found(put):
    file = put("f.csv", b"x")
    file.path.unlink()
    with pytest.raises(NotFound):
        read_head(file)
