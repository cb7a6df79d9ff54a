import os
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import INTERACTIONS, ITEM_ID, USER_ID
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.data.splits.given_test import read_test
from nightschool.errors import DataRefused, ManifestError, NotFound

SCHEMA = INTERACTIONS.schema(user_id=pl.Int64(), item_id=pl.Int64())
PART = {"format": {"kind": "adjacency"}, "user": "user", "item": "item"}


def manifest(**more: object) -> Manifest:
    log = {**PART, "files": ["train"]}
    return Manifest.model_validate({"name": "x", "score": "implicit", "interactions": log, **more})


def known(*pairs: tuple[int, int]) -> pl.LazyFrame:
    rows = pl.DataFrame(pairs, schema={USER_ID: pl.Int64, ITEM_ID: pl.Int64}, orient="row")
    return pl.concat([SCHEMA.to_frame(), rows], how="diagonal").lazy()


def test_hold_out_has_the_columns_of_the_interactions(tmp_path):
    (tmp_path / "test").write_text("1 7 8\n")
    rows = read_test(manifest(test={**PART, "files": ["test"]}), tmp_path, known((1, 9)))
    assert rows.schema == SCHEMA
    assert rows.select(USER_ID, ITEM_ID).rows() == [(1, 7), (1, 8)]


def test_overlap_with_the_interactions_is_refused(tmp_path):
    (tmp_path / "test").write_text("1 7 8\n")
    with pytest.raises(DataRefused, match=r"1 rows of \[test\] are pairs of the interactions; saw 'user 1, item 8'"):
        read_test(manifest(test={**PART, "files": ["test"]}), tmp_path, known((1, 8)))


def test_bad_row_is_refused(tmp_path):
    (tmp_path / "test").write_text("1 7\n2\n")
    with pytest.raises(DataRefused, match=r"1 rows of \[test\] are bad; saw 'test row 2: missing_item'"):
        read_test(manifest(test={**PART, "files": ["test"]}), tmp_path, known())


def test_folder_without_a_hold_out_is_not_found(tmp_path):
    (tmp_path / "test").mkdir()
    with pytest.raises(NotFound, match="There is no file in test/"):
        read_test(manifest(test={**PART, "files": ["test/"]}), tmp_path, known())


def test_data_set_without_a_hold_out_says_so(tmp_path):
    with pytest.raises(ManifestError, match=r"has no \[test\]"):
        read_test(manifest(), tmp_path, known())


DATA = Path(os.environ.get("NIGHTSCHOOL_TEST_DATA", "../shared/data")) / "mooccubex"


@pytest.mark.skipif(not DATA.is_dir(), reason="no mooccubex at NIGHTSCHOOL_TEST_DATA")
def test_mooccubex_has_its_given_test():
    none = INTERACTIONS.schema(user_id=pl.String(), item_id=pl.String()).to_frame().lazy()
    rows = read_test(load_manifest("mooccubex"), DATA, none)
    assert rows.height == 169_536
    assert rows[USER_ID].n_unique() <= 11_943
    assert rows[ITEM_ID].str.starts_with("C_").all()
