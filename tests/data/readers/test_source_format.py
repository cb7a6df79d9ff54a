import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightschool.columns import REASON, SOURCE_ROW
from nightschool.data.readers import sources
from nightschool.data.readers.adjacency import Adjacency
from nightschool.data.readers.delimited import Csv
from nightschool.data.readers.jsonl import Jsonl
from nightschool.data.readers.parquet import Parquet
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.source_format import Reading
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.errors import DataRefused

NEEDED = ("user", "item")
HEADER = Csv()
HEADLESS = Csv(header=False, columns=("user", "item"))


def reading(tmp_path: Path, content: bytes, kind=HEADER, known: Extent | None = None, name: str = "log") -> Reading:
    (tmp_path / name).write_bytes(content)
    return Reading(SourceFile(name, tmp_path / name), kind, NEEDED, known)


def read(each: Reading) -> list[tuple[object, ...]]:
    frames = list(each.batches())
    return [row for frame in frames for row in frame.select(SOURCE_ROW, pl.col(RAW).struct.unnest()).rows()]


EXPECTED = [(1, "u1", "a"), (2, "u2", "b")]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"user,item\nu1,a\nu2,b\n", HEADER),
        (b"\xef\xbb\xbfuser,item\r\nu1,a\r\nu2,b", HEADER),
        (b'"user";"item"\n"u1";"a"\nu2;b\n', Csv(separator=";")),
        (b"u1::a\nu2::b\n", Csv(separator="::", header=False, columns=NEEDED)),
        (b'{"user": "u1", "item": "a"}\n{"item": "b", "user": "u2"}\n', Jsonl(kind="jsonl")),
        (b"u1 a\nu2 b\n", Adjacency(kind="adjacency")),
    ],
    ids=["csv", "mark and CRLF", "semicolon", "two characters", "jsonl", "adjacency"],
)
def test_every_kind_gives_the_same_rows(tmp_path, content, kind):
    assert read(reading(tmp_path, content, kind)) == EXPECTED


def test_parquet_gives_its_rows(tmp_path):
    pl.DataFrame({"user": ["u1", "u2"], "more": [1, 2], "item": ["a", "b"]}).write_parquet(tmp_path / "log")
    each = Reading(SourceFile("log", tmp_path / "log"), Parquet(kind="parquet"), NEEDED)
    assert read(each) == EXPECTED
    assert each.extent.rows == 2
    again = Reading(each.file, Parquet(kind="parquet"), NEEDED, each.extent)
    assert read(again) == []
    assert again.extent == each.extent


def test_parquet_that_changed_is_refused(tmp_path):
    pl.DataFrame({"user": ["u1"], "item": ["a"]}).write_parquet(tmp_path / "log")
    each = Reading(SourceFile("log", tmp_path / "log"), Parquet(kind="parquet"), NEEDED, Extent(9, 1, "other"))
    with pytest.raises(DataRefused, match="changed in place"):
        read(each)


def test_no_parquet_is_refused(tmp_path):
    with pytest.raises(DataRefused, match="cannot be read as a Parquet"):
        read(reading(tmp_path, b"user,item\n", Parquet(kind="parquet")))


def test_compressed_file_is_read_like_a_plain_one(tmp_path):
    assert read(reading(tmp_path, gzip.compress(b"user,item\nu1,a\nu2,b\n"), name="log.csv.gz")) == EXPECTED


def test_extent_counts_bytes_and_rows(tmp_path):
    each = reading(tmp_path, b"user,item\nu1,a\n\nu2\n")
    read(each)
    assert (each.extent.bytes, each.extent.rows) == (19, 2)


def test_what_was_read_is_not_read_again(tmp_path):
    first = reading(tmp_path, b"user,item\nu1,a\n")
    read(first)
    grown = reading(tmp_path, b"user,item\nu1,a\nu2,b\n", known=first.extent)
    assert read(grown) == [(2, "u2", "b")]
    same = reading(tmp_path, b"user,item\nu1,a\nu2,b\n", known=grown.extent)
    assert read(same) == []
    assert same.extent == grown.extent


def test_row_without_line_end_may_only_be_followed_by_one(tmp_path):
    first = reading(tmp_path, b"user,item\nu1,a")
    assert read(first) == [(1, "u1", "a")]
    assert read(reading(tmp_path, b"user,item\nu1,a\r\nu2,b", known=first.extent)) == [(2, "u2", "b")]
    with pytest.raises(DataRefused, match="changed in place: its last line went on"):
        read(reading(tmp_path, b"user,item\nu1,ab\nu2,b", known=first.extent))


def test_file_changed_in_place_is_refused(tmp_path):
    first = reading(tmp_path, b"user,item\nu1,a\n")
    read(first)
    with pytest.raises(DataRefused, match="changed in place"):
        read(reading(tmp_path, b"user,item\nu1,b\n", known=first.extent))


BAD = {
    "wrong column": (b"user,thing\nu1,a\n", HEADER, "no column item; saw 'columns user, thing'.*manifest"),
    "wrong separator": (b"user;item\nu1;a\n", HEADER, "no column user, item; saw 'columns user;item'.*separator"),
    "wrong separator, headless": (b"u1;a\nu2;b\n", HEADLESS, "no line of log has the 2 columns.*separator .now ','"),
    "column twice": (b"user,item,item\nu1,a,b\n", HEADER, "names columns twice.*item"),
    "wrong key": (b'{"user": 1, "thing": 2}\n', Jsonl(kind="jsonl"), "no key item; saw 'keys user, thing"),
    "latin-1": ("user,item\nu1,é\n".encode("latin-1"), HEADER, "not utf-8.*byte 13.*latin-1"),
}


@pytest.mark.parametrize(("content", "kind", "message"), BAD.values(), ids=BAD)
def test_file_that_is_not_what_the_manifest_says_is_refused(tmp_path, content, kind, message):
    with pytest.raises(DataRefused, match=message) as error:
        read(reading(tmp_path, content, kind))
    assert error.value.exit_code == 3


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", HEADER), (b"user,item\n", HEADER), (b"", HEADLESS), (b"\n", Jsonl(kind="jsonl"))],
    ids=["empty", "only a header", "empty without header", "empty jsonl"],
)
def test_file_without_rows_gives_none(tmp_path, content, kind):
    found = reading(tmp_path, content, kind)
    assert sum(frame.height for frame in found.batches()) == 0
    assert (found.extent.rows, found.extent.bytes) == (0, len(content))


def test_extra_line_is_one_bad_row(tmp_path):
    (frame,) = reading(tmp_path, b"user,item\nu1,a\ntotal: 1 rows, 2 columns, done\nu2,b\n").batches()
    assert frame[REASON].to_list() == [None, "wrong_field_count", None]


def test_record_over_the_edge_of_two_blocks_stays_whole(tmp_path, monkeypatch):
    content = b'user,item\nu1,"a\nb\nc"\nu2,d\n'
    whole = read(reading(tmp_path, content))
    for size in range(1, len(content)):
        monkeypatch.setattr(sources.HashedStream.read, "__defaults__", (size,))
        assert read(reading(tmp_path, content)) == whole == [(1, "u1", "a\nb\nc"), (2, "u2", "d")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(lines=st.lists(st.text("abu1,", max_size=5), min_size=2, max_size=8), cut=st.integers(1, 7))
def test_reading_twice_gives_what_reading_once_does(tmp_path, lines, cut):
    text = "u,0\n" + "".join(line + "\n" for line in lines)
    early = "u,0\n" + "".join(line + "\n" for line in lines[:cut])
    once = reading(tmp_path, text.encode(), HEADLESS)
    first = reading(tmp_path, early.encode(), HEADLESS)
    rows = read(first)
    rest = reading(tmp_path, text.encode(), HEADLESS, first.extent)
    assert rows + read(rest) == read(once)
    assert rest.extent == once.extent


def test_file_is_unchanged_while_its_bytes_are(tmp_path):
    each = reading(tmp_path, b"user,item\nu1,a\n")
    read(each)
    assert HEADER.is_unchanged(each.file, each.extent)
    (tmp_path / "log").write_bytes(b"user,item\nu1,b\n")
    assert not HEADER.is_unchanged(each.file, each.extent)
