"""Vectors come in with their items; those that cannot be compared are refused by name, and their items come in."""

import json
import os

import numpy as np
import polars as pl
import pytest

from expectations import validation
from nightschool.columns import DETAIL, INTERACTIONS, ITEM_ID, ITEMS, QUARANTINE, REASON, SOURCE_ROW
from nightschool.data.manifest.manifest import Items
from nightschool.data.vectors import VECTOR
from nightschool.errors import ConfigurationError, DataRefused, NotFound
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.entities import newest_of_each_id
from nightschool.ingest.ingest import ingest
from nightschool.ingest.ledger import Ledger
from nightschool.ingest.quarantine.retry import retry
from nightschool.ingest.vectors import vector_files
from tests.ingest.entities import MONDAY, TUESDAY, Home

WEDNESDAY = TUESDAY + (TUESDAY - MONDAY)
IN_COLUMNS = {"files": ["items.jsonl"], "format": {"kind": "jsonl"}, "id": "id", "title": "title"}
A_FILE = {"files": ["items.csv"], "id": "id", "title": "title", "vectors": {"image": "image.npy"}}


def described(home: Home, part: dict) -> Home:
    home.manifest = home.manifest.model_copy(update={"items": Items.model_validate(part)})
    return home


@pytest.fixture
def home(tmp_path) -> Home:
    return described(Home(tmp_path), {**IN_COLUMNS, "vectors": ["image"]})


def deliver(home: Home, images: dict, at=MONDAY) -> dict:
    """Ingest items with these images, as JSON holds them."""
    lines = [json.dumps({"id": item, "title": f"T {item}", "image": image}) for item, image in images.items()]
    home.write("items.jsonl", "\n".join(lines) + "\n")
    os.utime(home.root / "items.jsonl", (at.timestamp(), at.timestamp()))
    return home.ingest(at)["items"]


def now(home: Home) -> dict:
    newest = newest_of_each_id(home.lake.scan(ITEMS).collect(), ITEM_ID)
    return dict(newest.select(ITEM_ID, "image").sort(ITEM_ID).iter_rows())


def refused(home: Home) -> list[tuple]:
    rows = home.lake.scan(QUARANTINE).filter(pl.col("table") == "items").sort(SOURCE_ROW)
    return rows.select(REASON, DETAIL).collect().rows()


def context(home: Home, at) -> IngestContext:
    return IngestContext(home.manifest, home.root, home.lake, Ledger(home.lake, at), validation, at, at)


def test_vectors_are_lists_of_single_precision(home):
    deliver(home, {"a": [1, 0.5], "b": [0, 2], "c": None})
    assert now(home) == {"a": [1, 0.5], "b": [0, 2], "c": None}
    assert home.lake.scan(ITEMS).collect_schema()["image"] == VECTOR
    assert refused(home) == []


def test_vectors_that_cannot_be_compared_are_set_aside_and_the_items_come_in(home):
    report = deliver(
        home,
        {"a": [1, 0], "b": [0, 1], "c": [1, 0, 0], "d": [0, 0], "e": [1e300, 1], "f": "x", "g": [1, None], "h": []},
    )
    assert (report["accepted"], report["reasons"]) == (8, {"unfit_vector": 5})
    assert refused(home) == [
        ("unfit_vector", "image: 3 numbers, where the others have 2"),
        ("unfit_vector", "image: nothing but zeros"),
        ("unfit_vector", "image: a number that is not finite"),
        ("unfit_vector", "image: no list of numbers"),
        ("unfit_vector", "image: no list of numbers"),
    ]
    assert now(home) == {"a": [1, 0], "b": [0, 1], **dict.fromkeys("cdefgh")}


def test_interactions_do_not_wait_for_a_vector(home):
    deliver(home, {"a": [0, 0]})
    assert home.lake.scan(INTERACTIONS).collect()[ITEM_ID].to_list() == ["a"]


def test_parquet_with_lists_and_missing_numbers(tmp_path):
    home = described(
        Home(tmp_path), {**IN_COLUMNS, "files": ["i.parquet"], "format": {"kind": "parquet"}, "vectors": "v"}
    )
    vectors = [[1.0, 2.0], [float("nan"), 1.0], [1.0, None], None, []]
    pl.DataFrame({"id": [*"abcde"], "title": "T", "v": vectors}).write_parquet(tmp_path / "i.parquet")
    home.ingest()
    rows = home.lake.scan(ITEMS).sort(ITEM_ID).collect()
    assert rows["v"].to_list() == [[1, 2], None, None, None, None]
    assert refused(home) == [("unfit_vector", "v: a number that is not finite")] * 2


def test_the_length_of_most_items_counts_those_of_the_table_included(home):
    home.describe("items", files=("items*.jsonl",), complete=False)
    deliver(home, {"a": [1, 0], "b": [0, 1], "c": [1, 1]})
    home.write("items-2.jsonl", '{"id": "d", "title": "D", "image": [1, 2, 3]}\n')
    home.ingest(TUESDAY)
    assert refused(home) == [("unfit_vector", "image: 3 numbers, where the others have 2")]


def test_another_length_of_all_items_replaces_the_first(home):
    deliver(home, {"a": [1, 0], "b": [0, 1]})
    report = deliver(home, {"a": [1, 0, 0], "b": [0, 1, 0]}, TUESDAY)
    assert (report["accepted"], report["quarantined"]) == (2, 0)
    assert now(home) == {"a": [1, 0, 0], "b": [0, 1, 0]}


def test_equal_vectors_are_no_change(home):
    deliver(home, {"a": [0.1, 0.2], "b": [1, 2]})
    assert deliver(home, {"a": [0.1, 0.2], "b": [1, 3]}, TUESDAY)["accepted"] == 1


def test_repaired_vector_comes_in_and_changes_nothing_else(home):
    home.describe("items", files=("items*.jsonl",), complete=False)
    deliver(home, {"a": [1, 0], "b": [0, 0]})
    home.write("items-2.jsonl", '{"id": "b", "title": "B of today"}\n')
    home.ingest(TUESDAY)
    assert retry(context(home, WEDNESDAY)).tables["items"].reasons == {"unfit_vector": 1}
    lying = home.lake.scan(QUARANTINE).filter(pl.col("table") == "items").collect()
    repaired = pl.col("row").str.replace("[0, 0]", "[0, 1]", literal=True)
    assert (
        retry(context(home, WEDNESDAY), lying.select("table", "source_file", SOURCE_ROW, repaired))
        .tables["items"]
        .accepted
    )
    assert now(home) == {"a": [1, 0], "b": [0, 1]}
    assert "B of today" in home.lake.scan(ITEMS).filter(pl.col(ITEM_ID) == "b").collect()["title"].to_list()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_file_that_is_older_than_the_column(tmp_path, kind):
    part = {"files": [f"i.{kind}"], "format": {"kind": kind}, "id": "id", "title": "title", "vectors": ["image"]}
    home = described(Home(tmp_path), part)
    frame = pl.DataFrame({"id": ["a"], "title": ["A"]})
    {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}[kind](tmp_path / f"i.{kind}")
    warnings = ingest(context(home, MONDAY)).warnings
    assert f"i.{kind} has no column image: its items have no vectors" in warnings
    assert home.lake.scan(ITEMS).collect()["title"].to_list() == ["A"]


def test_column_that_was_a_list_of_labels_keeps_its_type(home):
    home.describe("items", vectors={}, lists={"image": ""})
    deliver(home, {"a": ["x"]})
    home.describe("items", vectors={"image": ""}, lists={})
    with pytest.raises(ConfigurationError, match="makes column image vectors; saw 'lists in the home'"):
        deliver(home, {"a": [1]}, TUESDAY)


@pytest.fixture
def beside(tmp_path) -> Home:
    home = described(Home(tmp_path), A_FILE)
    home.write("items.csv", "id,title\na,A\nb,B\nc,C\n")
    write(home, [[1, 0], [0, 1]], "a\nb\n")
    return home


def write(home: Home, vectors, ids) -> None:
    np.save(home.root / "image.npy", np.array(vectors, dtype=np.float64))
    (home.root / "image.ids").write_text(ids, encoding="utf-8")


def test_vectors_of_a_file_belong_to_its_ids(beside):
    write(beside, [[1, 0], [0, 1], [5, 5]], "b\na\nunknown\n")
    beside.ingest()
    assert now(beside) == {"a": [0, 1], "b": [1, 0], "c": None}


def test_new_vectors_of_a_file_change_the_items_from_then_on(beside):
    beside.ingest()
    assert beside.ingest(TUESDAY)["items"]["already_known"] == 3
    write(beside, [[1, 0], [0, 2]], "a\nb\n")
    assert beside.ingest(WEDNESDAY)["items"]["accepted"] == 1
    rows = beside.lake.scan(ITEMS).filter(pl.col(ITEM_ID) == "b").sort("available_at").collect()
    assert rows["image"].to_list() == [[0, 1], [0, 2]]
    assert rows["available_at"][-1] == WEDNESDAY


def test_unfit_vectors_of_a_file(beside):
    write(beside, [[1, 0], [0, 0], [1e300, 1]], "a\nb\nc\n")
    beside.ingest()
    assert now(beside) == {"a": [1, 0], "b": None, "c": None}
    assert [detail for _, detail in refused(beside)] == [
        "image: nothing but zeros",
        "image: a number that is not finite",
    ]


def test_first_files_that_hold_no_vectors_refuse_the_items(beside):
    write(beside, [1, 2], "a\nb\n")
    with pytest.raises(DataRefused, match=r"image\.npy holds no rows of numbers"):
        beside.ingest()
    (beside.root / "image.npy").unlink()
    with pytest.raises(NotFound, match=r"image\.npy is gone"):
        beside.ingest()


def test_later_file_that_holds_no_vectors_sets_the_items_aside_until_it_is_whole(beside):
    beside.ingest()
    write(beside, [1, 2], "a\nb\n")
    assert beside.ingest(TUESDAY)["items"]["set_aside"] == 3
    assert beside.ingest(TUESDAY)["items"]["set_aside"] == 3
    assert now(beside) == {"a": [1, 0], "b": [0, 1], "c": None}
    write(beside, [[1, 0], [1, 1]], "a\nb\n")
    assert beside.ingest(WEDNESDAY)["items"]["accepted"] == 1
    assert now(beside)["b"] == [1, 1]


def test_two_spellings_of_an_id_give_one_row(tmp_path):
    home = described(Home(tmp_path), A_FILE)
    home.lake = type(home.lake)(tmp_path / "lake", pl.Int64(), pl.Int64())
    home.write("log.csv", "user,item\n1,7\n")
    home.write("items.csv", "id,title\n7,A\n")
    write(home, [[1, 0], [0, 1]], "7\n7.0\n")
    home.ingest()
    assert now(home) == {7: [1, 0]}


def test_only_items_have_files_of_vectors(beside):
    assert vector_files(beside.manifest.users, beside.root) is None
    assert vector_files(beside.manifest.interactions[0], beside.root) is None
    assert vector_files(beside.manifest.items, beside.root)
