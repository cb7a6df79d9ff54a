import json
from pathlib import Path

import polars as pl
import pytest

from nightschool.data.manifest.sections import Interactions
from nightschool.data.normalization.quarantine_rows import NOT_TAKEN_APART, reread
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import NotFound


def part(**form: object) -> Interactions:
    return Interactions.model_validate({"files": ["log"], "format": form, "user": "user", "item": "item"})


CSV = part(kind="csv", header=False, columns=["item", "when", "user"])
JSONL = part(kind="jsonl")


def reread_all(described: Interactions, *rows: dict, file: Path = Path("gone")) -> list[tuple]:
    """The user, item and reason of each row."""
    kept = pl.DataFrame({"source_row": range(1, len(rows) + 1), "row": [json.dumps(row) for row in rows]})
    frame = reread(kept, described, SourceFile(file.name, file))
    assert frame.columns == ["source_row", RAW, "reason", "detail", "row"]
    assert frame["source_row"].to_list() == kept["source_row"].to_list()
    fields = [pl.col(RAW).struct.field(name) for name in ("user", "item")]
    return frame.select(*fields, "reason").rows()


def test_columns_that_the_manifest_names_come_back_as_text():
    rows = {"user": "1", "item": "7", "more": "x"}, {"user": 2, "item": None}
    assert reread_all(CSV, *rows) == [("1", "7", None), ("2", None, None)]


def test_lists_come_back_as_json():
    assert reread_all(JSONL, {"user": "1", "item": ["a", 'b"']}) == [("1", '["a","b\\""]', None)]


def test_lines_of_csv_are_tried_again_each_by_itself():
    lines = ["7,now,1", 'x,"y', "8", "  ", '9,"a\nb",2', '"']
    assert reread_all(CSV, *({"line": line} for line in lines)) == [
        ("1", "7", None),
        (None, None, "bad_quoting"),
        (None, None, "wrong_field_count"),
        (None, None, "bad_quoting"),
        ("2", "9", None),
        (None, None, "bad_quoting"),
    ]


def test_lines_and_rows_keep_their_places():
    rows = {"line": "7,now,1"}, {"user": "2", "item": "8"}, {"line": "9,now,3"}
    assert [user for user, _, _ in reread_all(CSV, *rows)] == ["1", "2", "3"]


def test_row_that_was_filled_in_by_hand_is_no_line():
    assert reread_all(CSV, {"line": "rubbish", "user": "1", "item": "7"}) == [("1", "7", None)]


def test_header_of_the_file_says_which_field_is_what(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("user;item\n1;2\n")
    assert reread_all(part(kind="csv", separator=";"), {"line": "5;6"}, file=file) == [("5", "6", None)]
    with pytest.raises(NotFound, match=r"gone\.csv is gone"):
        reread_all(part(kind="csv", separator=";"), {"line": "5;6"}, file=tmp_path / "gone.csv")


def test_lines_of_jsonl_are_tried_again():
    lines = ['{"user": "1",\n "item": "7"}', '{"user":', ""]
    rows = [{"line": line} for line in lines]
    assert reread_all(JSONL, *rows) == [("1", "7", None), (None, None, "bad_json"), (None, None, "bad_json")]


def test_column_may_be_called_line():
    described = Interactions.model_validate({"files": ["log"], "user": "line", "item": "item"})
    frame = reread(pl.DataFrame({"source_row": [1], "row": ['{"line": "1"}']}), described, SourceFile("x", Path("x")))
    assert frame[RAW].to_list() == [{"line": "1", "item": None}]


def test_reasons_of_lines_are_those_of_the_readers():
    assert {"lone_quote", "bad_quoting", "wrong_field_count", "bad_json"} == {*NOT_TAKEN_APART}
