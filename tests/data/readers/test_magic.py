import gzip

import pytest

from nightschool.data.readers.magic import advice


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("user".encode("utf-16"), "utf-16"),
        (gzip.compress(b"user", mtime=0), "name end in .gz"),
        (b"PK\x03\x04xl/workbook.xml", "save a spreadsheet as .csv"),
        (b"\x28\xb5\x2f\xfdxx", "zstd"),
        (b"PAR1xx", 'kind = "parquet"'),
    ],
)
def test_a_file_is_told_by_its_first_bytes(content, told):
    assert told in advice(content)


@pytest.mark.parametrize("content", [b"", b"user,item\n", "Größe\n".encode("latin-1")])
def test_text_says_nothing(content):
    assert advice(content) == ""
