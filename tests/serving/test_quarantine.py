import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import QUARANTINE
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.errors import NotFound
from nightschool.storage.lake import Lake
from nightschool.storage.quarantine.repair_files import read_repairs
from nightschool.storage.quarantine.repairs import Place
from serving.quarantine import (
    QuarantinedRow,
    corrected,
    count_rows,
    csv_blocks,
    filter_choice,
    find_row,
    form_columns,
    list_rows,
)
from tests.serving.nights import MANIFEST, ODD, make_nights

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PLACE = Place("interactions", "events.csv", 1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make_nights(tmp_path / "home")


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    (tmp_path / "d.toml").write_text(MANIFEST)
    return load_manifest(str(tmp_path / "d.toml"))


def put_aside(lake: Lake, **fields: object) -> None:
    row = {"table": "interactions", "source_file": "new.csv", "source_row": 7, "quarantined_at": NOW, **fields}
    lake.append(QUARANTINE, pl.DataFrame([row], schema=lake.schema(QUARANTINE)))


def test_rows_are_counted_filtered_and_paged(lake: Lake) -> None:
    put_aside(lake, reason="bad_user", row="{}")
    put_aside(lake, reason="dismissed", source_row=8, row="{}")
    assert (count_rows(lake, None, None), count_rows(lake, "bad_user", None)) == (4, 3)
    assert (count_rows(lake, "bad_user", "new.csv"), count_rows(lake, "dismissed", None)) == (1, 1)
    everything = list_rows(lake, None, None, 0, 10)
    assert [(row.place.source_file, row.place.source_row) for row in everything] == [
        ("events.csv", 1),
        ("events.csv", 2),
        ("events.csv", 3),
        ("new.csv", 7),
    ]
    assert list_rows(lake, None, None, 1, 2) == everything[1:3]
    assert list_rows(lake, None, None, 9, 2) == []
    assert filter_choice(lake) == (["bad_user", "dismissed", "missing_item"], ["events.csv", "new.csv"])


def test_a_row_has_its_values_as_texts(lake: Lake) -> None:
    assert find_row(lake, PLACE).cells == {"user": ODD, "item": "5", "rating": "4"}
    put_aside(lake, reason="forgotten_user")
    assert find_row(lake, Place("interactions", "new.csv", 7)).cells == {}
    with pytest.raises(NotFound, match="no such row is in quarantine"):
        find_row(lake, PLACE._replace(source_row=99))


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ({"rating": "4"}, ["rating", "user", "item"]),
        ({"line": "1,2"}, ["line"]),
        ({"user": 1, "item": 2, "rating": 3, "more": [1]}, ["user", "item", "rating", "more"]),
    ],
    ids=["lacking", "line", "more"],
)
def test_a_form_has_the_rows_columns_and_those_it_lacks(manifest: Manifest, row: dict, columns: list[str]) -> None:
    put = QuarantinedRow(PLACE, "bad_user", None, json.dumps(row), NOW)
    assert list(form_columns(put, manifest)) == columns


def test_only_what_was_changed_changes() -> None:
    row = '{"id":12345678901234567890,"text":"a\\r\\nb","tags":["x",1],"none":null,"empty":"","flag":true}'
    texts = {
        "id": "12345678901234567890",
        "text": "a\r\nb",
        "tags": '["x", 1]',
        "none": "",
        "empty": "",
        "flag": "true",
    }
    assert corrected(row, texts) == row
    changed = json.loads(corrected(row, {**texts, "flag": "false", "new": "5", "text": ""}))
    assert changed == {**json.loads(row), "flag": "false", "new": "5", "text": None}
    assert json.loads(corrected(row, {**texts, "tags": '["y"]'}))["tags"] == ["y"]
    assert json.loads(corrected(row, {**texts, "tags": "y;z"}))["tags"] == "y;z"


def test_no_number_is_rounded_by_a_correction_beside_it() -> None:
    row = '{"score":0.10000000000000000001,"user":"x"}'
    assert json.loads(corrected(row, {"user": "y"})) == {"score": "0.10000000000000000001", "user": "y"}


def test_the_file_is_one_that_a_retry_reads(lake: Lake, manifest: Manifest, tmp_path: Path) -> None:
    put_aside(lake, reason="forgotten_user")
    file = tmp_path / "rows.csv"
    file.write_bytes(b"".join(csv_blocks(lake, manifest, None, None)))
    with file.open(encoding="utf-8", newline="") as opened:
        cells = list(csv.DictReader(opened))
    assert [row["row.user"] for row in cells] == [ODD, ODD, "1"]
    assert cells[2]["row.rating"] == "'=4"
    repairs = read_repairs(file)
    assert repairs["source_row"].to_list() == [1, 2, 3]
    assert json.loads(repairs["row"][2])["rating"] == "=4"
    one = pl.read_csv(io.BytesIO(b"".join(csv_blocks(lake, manifest, "missing_item", "events.csv"))))
    assert one["source_row"].to_list() == [3]
    assert b"".join(csv_blocks(lake, manifest, "nothing", None)).count(b"\n") == 1
