import sqlite3

import polars as pl
import pytest

from nightschool.columns import REASON
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.data.normalization.id_types import infer_id_dtypes, read_id_maps
from nightschool.data.readers.source_format import Reading
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.errors import DataRefused, NotFound


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
    assert part.sources(tmp_path) == [SourceFile("log", tmp_path)]
    sqlite3.connect(tmp_path / "a.db").close()
    assert infer_id_dtypes(manifest(interactions=dict(part)), tmp_path) == (pl.Int64(), pl.Int64())
    assert not part.format.is_unchanged(SourceFile("log", tmp_path), Extent(0, 1, "", "2"))


def test_folder_without_files_shows_no_ids(tmp_path):
    (tmp_path / "landing").mkdir()
    empty = manifest(interactions={"files": ["landing/"], "user": "user", "item": "item"})
    with pytest.raises(NotFound, match="There is no file in landing/ yet; put one there first"):
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
    (file,) = part.sources(data_root / name)
    each = Reading(file, part.format, part.source_columns)
    faults = sum(frame[REASON].count() for frame in each.batches())
    assert (each.extent.rows, faults) == (n_rows, 0)
    assert infer_id_dtypes(load_manifest(name), data_root / name) == (dtype, dtype)
