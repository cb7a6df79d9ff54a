import gzip
import hashlib
import os
from datetime import UTC, datetime

import pytest

from nightschool.data.readers.contents import modified_at, read_content
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import NotFound

TEXT = b"a,b\n1,2\n3,4\n"


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_content_is_hashed_whole_and_by_its_beginnings(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT) if name.endswith(".gz") else TEXT)
    content = read_content(SourceFile(name, path), [8, 4, 12, 99])
    assert (content.bytes, content.sha256) == (12, hashlib.sha256(TEXT).hexdigest())
    assert content.heads == {n: hashlib.sha256(TEXT[:n]).hexdigest() for n in (4, 8, 12)}


def test_time_of_a_file(tmp_path):
    path = tmp_path / "log.csv"
    path.touch()
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert modified_at(SourceFile("log.csv", path)) == datetime.fromtimestamp(1_700_000_000, UTC)
    with pytest.raises(NotFound, match="File x is gone"):
        modified_at(SourceFile("x", tmp_path / "x"))
