import gzip
import sqlite3
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightschool.columns import REASON, SOURCE_ROW
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.data.readers import sources
from nightschool.data.readers.formats import Adjacency, Csv, Jsonl, Parquet
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.readers import Reading, infer_id_dtypes, is_unchanged, read_id_maps, sources_of
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.errors import DataRefused, NotFound

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
    with pytest.raises(DataRefused, match="no readable Parquet"):
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


def manifest(**more: object) -> Manifest:
    log = {"files": ["log"], "user": "user", "item": "item"}
    return Manifest.model_validate({"name": "x", "score": "implicit", "interactions": log, **more})


def test_id_dtypes_come_from_the_interactions(tmp_path):
    (tmp_path / "log").write_text("user,item\n1,a\n2,7\n")
    assert infer_id_dtypes(manifest(), tmp_path) == (pl.Int64(), pl.String())


def test_id_dtypes_come_from_declared_tables_first(tmp_path):
    (tmp_path / "log").write_text("user,item\nx,y\n")
    (tmp_path / "users").write_text("id\n1\n2\n")
    (tmp_path / "items").write_text("id\n7\n007\n")
    declared = manifest(users={"files": ["users"], "id": "id"}, items={"files": ["items"], "id": "id"})
    assert infer_id_dtypes(declared, tmp_path) == (pl.Int64(), pl.String())


def test_header_in_a_headless_file_does_not_make_ids_text(tmp_path):
    (tmp_path / "log").write_text("user,item\n1,2\n")
    form = {"kind": "csv", "header": False, "columns": ["user", "item"]}
    log = {"files": ["log"], "format": form, "user": "user", "item": "item"}
    assert infer_id_dtypes(manifest(interactions=log), tmp_path) == (pl.Int64(), pl.Int64())


def mapped() -> Manifest:
    table = {"kind": "csv", "separator": " ", "header": False, "columns": ["id", "position"]}
    translation = {"file": "map", "format": table, "from": "position", "to": "id"}
    log = {"files": ["log"], "format": {"kind": "adjacency"}, "user": "user", "item": "item", "item_map": translation}
    return manifest(interactions=log)


def test_id_map_says_the_external_ids(tmp_path):
    (tmp_path / "map").write_text("C_9 0\nC_7 1\n")
    (tmp_path / "log").write_text("5 0 1\n")
    assert infer_id_dtypes(mapped(), tmp_path) == (pl.Int64(), pl.String())
    maps = read_id_maps(mapped().interactions[0], tmp_path)
    assert maps.user is None
    assert maps.item.rows() == [("0", "C_9"), ("1", "C_7")]


def test_id_map_with_two_answers_is_refused(tmp_path):
    (tmp_path / "map").write_text("C_9 0\nC_7 0\n")
    with pytest.raises(DataRefused, match="translates an id more than once; saw '0'"):
        read_id_maps(mapped().interactions[0], tmp_path)


def test_missing_map_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="no file map"):
        read_id_maps(mapped().interactions[0], tmp_path)


QUERY = {"kind": "sql", "uri": "sqlite:///a.db", "query": "SELECT 1 AS user, 2 AS item", "key": "item", "name": "log"}


def test_query_is_a_source_of_its_own_name(tmp_path):
    part = manifest(interactions={"format": QUERY, "user": "user", "item": "item"}).interactions[0]
    assert sources_of(part, tmp_path) == [SourceFile("log", tmp_path)]
    sqlite3.connect(tmp_path / "a.db").close()
    assert infer_id_dtypes(manifest(interactions=dict(part)), tmp_path) == (pl.Int64(), pl.Int64())
    assert not is_unchanged(SourceFile("log", tmp_path), part.format, Extent(0, 1, "", "2"))


def test_file_is_unchanged_while_its_bytes_are(tmp_path):
    each = reading(tmp_path, b"user,item\nu1,a\n")
    read(each)
    assert is_unchanged(each.file, HEADER, each.extent)
    (tmp_path / "log").write_bytes(b"user,item\nu1,b\n")
    assert not is_unchanged(each.file, HEADER, each.extent)


def test_folder_without_files_shows_no_ids(tmp_path):
    (tmp_path / "landing").mkdir()
    empty = manifest(interactions={"files": ["landing/"], "user": "user", "item": "item"})
    with pytest.raises(NotFound, match="there is no file in landing/ yet; put one there first"):
        infer_id_dtypes(empty, tmp_path)
    (tmp_path / "landing" / "log").write_text("user,item\n1,a\n")
    assert infer_id_dtypes(empty, tmp_path) == (pl.Int64(), pl.String())


def test_origins_are_looked_up_in_their_map(tmp_path):
    (tmp_path / "terms").write_text("id,term\n7,B\n")
    origin = {"column": "item", "dates": {"B": "2014-02-01"}, "map": {"file": "terms", "from": "id", "to": "term"}}
    log = {"files": ["log"], "user": "user", "item": "item"}
    part = manifest(interactions={**log, "timestamp": {"column": "t", "unit": "days", "origin": origin}})
    maps = read_id_maps(part.interactions[0], tmp_path)
    assert (maps.user, maps.item, maps.origin.rows()) == (None, None, [("7", "B")])


@pytest.mark.parametrize(
    ("name", "n_rows", "dtype"), [("movielens-100k", 100_000, pl.Int64()), ("mooccubex", 698_260, pl.String())]
)
def test_real_interactions_are_read_whole(data_root, name, n_rows, dtype):
    part = load_manifest(name).interactions[0]
    (file,) = sources_of(part, data_root / name)
    each = Reading(file, part.format, part.source_columns)
    faults = sum(frame[REASON].count() for frame in each.batches())
    assert (each.extent.rows, faults) == (n_rows, 0)
    assert infer_id_dtypes(load_manifest(name), data_root / name) == (dtype, dtype)
