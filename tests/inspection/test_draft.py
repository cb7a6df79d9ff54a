import csv
import io
import tempfile
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.errors import NotFound
from nightschool.inspection.draft import _format_lines, dataset_name, draft
from nightschool.inspection.survey import survey
from nightschool.inspection.writing import write_manifest
from tests.inspection.conftest import NOW, lines, ratings

ROWS = ratings(30, 20)


@pytest.fixture
def drafted(put, folder, tmp_path):
    """The text of a manifest and what it says, for files given by name."""

    def draft_of(files):
        for name, content in files.items():
            put(name, content)
        text = draft(survey(folder, NOW))
        return text, write_manifest(text, tmp_path / "out.toml")

    return draft_of


def test_files_with_headers(drafted):
    text, manifest = drafted(
        {
            "ratings.csv": lines("user_id;item_id;rating;time", *(row.replace(",", ";") for row in ROWS)),
            "items.csv": lines(
                "item_id,title,genres", *(f"{n},Größe {n} von,{'a|b' if n % 2 else 'b'}" for n in range(1, 21))
            ).encode("latin-1"),
            "users.csv": lines("user_id,country", *(f"{n},{'AT' if n % 2 else 'DE'}" for n in range(1, 31))),
        }
    )
    (log,) = manifest.interactions
    assert (manifest.name, manifest.score, manifest.history) == ("export", "rating", True)
    assert (log.files, log.user, log.item, log.format.separator) == (("ratings.csv",), "user_id", "item_id", ";")
    assert (log.rating.min, log.rating.max, manifest.relevant.rating_min) == (1, 5, 4)
    assert (manifest.items.id, manifest.items.title, manifest.items.lists) == ("item_id", "title", {"genres": "|"})
    assert manifest.items.format.encoding == "iso8859-1"
    assert 'format.encoding = "latin-1"  # guess: its bytes are no UTF-8' in text
    assert manifest.audience == "country"


def test_columns_without_names_are_called_by_their_role(drafted):
    _, manifest = drafted(
        {
            "u.data": lines(*(row.replace(",", "\t") for row in ROWS)),
            "u.item": lines(*(f"{n}|Part {n} of it|{n % 2}|1|0" for n in range(1, 21))),
            "u.user": lines(*(f"{n}|{'AT' if n % 2 else 'DE'}|x{n}" for n in range(1, 31))),
        }
    )
    (log,) = manifest.interactions
    assert log.format.columns == ("user", "item", "rating", "time")
    assert (log.user, log.item, log.rating.column, log.timestamp.column) == ("user", "item", "rating", "time")
    assert manifest.items.format.columns == ("item", "title", "column_3", "column_4", "column_5")
    assert manifest.items.flags == {"flags": ("column_3", "column_4", "column_5")}
    assert manifest.users.format.columns == ("user", "column_2", "column_3")
    assert manifest.users.attributes == ("column_2",)


def test_family_becomes_a_glob_and_events_get_weights(drafted):
    rows = [f"2024-01-01T10:00:{n % 60:02},u{n % 7},c{n % 5},{('open', 'finish')[n % 2]}" for n in range(60)]
    later = [row.replace("2024", "2025").replace("open", "share") for row in rows]
    header = "timestamp,student,lesson,type"
    text, manifest = drafted({"e-2024.csv": lines(header, *rows), "e-2025.csv": lines(header, *later)})
    assert manifest.interactions[0].files == ("e-*.csv",)
    assert manifest.event_weights == {"open": 1, "finish": 10, "share": 5}
    assert "finish = 10  # guess: set this" in text


def test_holdout_stands_there_as_a_comment_that_is_valid(drafted, tmp_path):
    text, manifest = drafted(
        {"train.txt": lines("0 5 6 7", "1 5 6", "2 6 7"), "test.txt": lines("0 8", "1 7 9", "2 5")}
    )
    assert manifest.test is None
    opened = text.replace("# [test]", "[test]")
    head, _, tail = opened.partition("[test]\n")
    block, _, rest = tail.partition("\n\n")
    uncommented = "\n".join(line.removeprefix("# ") for line in block.split("\n"))
    with_test = write_manifest(f"{head}[test]\n{uncommented}\n\n{rest}", tmp_path / "with_test.toml")
    assert with_test.test.files == ("test.txt",)
    assert with_test.test.format.kind == "adjacency"


def test_what_is_not_used_is_told_in_comments(drafted):
    text, _ = drafted({"log.csv": lines("user,item,zip", *(f"{n % 5},{n % 4},z" for n in range(40))), "a.txt": ""})
    assert "# not read: zip" in text
    assert text.endswith("# Not used:\n#   a.txt: is empty\n")


def test_parquet_and_jsonl_say_their_kind(folder, drafted):
    frame = pl.DataFrame({"user": [1, 1, 2, 2], "item": [1, 2, 1, 2], "at": [datetime(2024, 1, 1)] * 4})
    frame.write_parquet(folder / "log.parquet")
    items = lines(*(f'{{"id": {n}, "name": "Part {n} of it", "tags": ["a"]}}' for n in (1, 2)))
    _, manifest = drafted({"items.jsonl": items})
    assert manifest.interactions[0].format.kind == "parquet"
    assert manifest.interactions[0].timestamp.unit == "iso"
    assert (manifest.items.format.kind, manifest.items.lists) == ("jsonl", {"tags": ""})


@pytest.mark.parametrize(
    ("folder_name", "name"),
    [
        ("my data", "my-data"),
        ("movielens-100k", "my-movielens-100k"),
        ("Übung", "bung"),
        ("...", "data"),
        ("日本", "data"),
    ],
)
def test_name_is_the_folder_in_plain_letters(folder_name, name):
    assert dataset_name(Path("/somewhere") / folder_name / ".") == name


@pytest.mark.parametrize("name", ["*", "^$", "^item.*$"])
def test_column_whose_name_is_a_pattern_is_not_read(name, drafted):
    log = lines(f"user_id,item_id,{name}", *(f"u{n % 5},i{n % 7},x" for n in range(40)))
    items = lines(f"item_id,title,{name}", *(f"i{n},Part {n} of it,{'ab'[n % 2]}" for n in range(7)))
    _, manifest = drafted({"log.csv": log, "items.csv": items})
    assert name not in (*manifest.interactions[0].source_columns, *manifest.items.source_columns)


NAMES = st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), min_size=2, max_size=5, unique=True)
VALUES = st.lists(
    st.sampled_from(["1", "2", "x", "", "2024-01-01", "4.5", "a|b", '"', "\x1b", "ü", "{", "[1]"]), min_size=2
)


@settings(max_examples=40)
@given(NAMES, st.lists(VALUES, min_size=5, max_size=5))
def test_whatever_it_writes_describes_a_dataset(names, values):
    rows = [
        ["u" + str(n % 5), "i" + str(n % 3), *(each[n % len(each)] for each in values)][: len(names) + 2]
        for n in range(30)
    ]
    text = io.StringIO()
    csv.writer(text).writerows([["user_id", "item_id", *names], *rows])
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.csv").write_text(text.getvalue(), encoding="utf-8")
        try:
            found = survey(Path(folder), NOW)
        except NotFound:
            return
        manifest = write_manifest(draft(found), Path(folder) / "out.toml")
    assert manifest.interactions[0].user == "user_id"


def test_a_format_s_table_has_a_line_for_each_of_its_keys():
    lines = _format_lines("widths", {"column_1": 8, "column_2": 6}, "why")
    assert [(line.key, line.value) for line in lines] == [
        (("format", "widths", "column_1"), 8),
        (("format", "widths", "column_2"), 6),
    ]
