"""The quarantine on the command line: looked at, exported, repaired and taken in."""

import csv
import json
from pathlib import Path

import pytest

from nightschool.storage.lock import home_lock
from tests.cli.conftest import Run, require_refusal, spawn

MANIFEST = """
name = "tiny"
score = "rating"
[interactions]
files = ["ratings.csv"]
user = "user"
item = "item"
rating = { column = "rating", min = 1, max = 5 }
[users]
files = ["users.csv"]
id = "user"
attributes = ["city"]
"""
RATINGS = ["1,7,4", "1,=8,5", "2,7,3", "1,7,nine", "1,7"]


@pytest.fixture
def source(tmp_path: Path, run: Run) -> Path:
    """An ingested folder with an unknown user, a rating in words and a row that is too short."""
    (tmp_path / "tiny.toml").write_text(MANIFEST)
    (tmp_path / "ratings.csv").write_text("".join(f"{line}\n" for line in ["user,item,rating", *RATINGS]))
    (tmp_path / "users.csv").write_text("user,city\n1,Kraków\n")
    assert run("ingest", "--dataset", tmp_path / "tiny.toml", "--source-root", tmp_path).code == 0
    return tmp_path


def test_list_counts_by_table_file_and_reason(source: Path, run: Run) -> None:
    listing = run("quarantine", "list", "--json")
    place = {"table": "interactions", "source_file": "ratings.csv", "rows": 1}
    assert listing.document == [
        {**place, "reason": "bad_rating", "example": "nine"},
        {**place, "reason": "unknown_user", "example": "2"},
        {**place, "reason": "wrong_field_count", "example": "2 fields where 3 are expected"},
    ]
    shown = run("quarantine", "list", "--reason", "bad_rating")
    assert (shown.code, shown.err) == (0, "")
    assert "nine" in shown.out
    assert "unknown_user" not in shown.out
    assert "No row is in quarantine" in run("quarantine", "list", "--file", "other.csv").out


def test_exported_rows_are_repaired_and_taken_in(source: Path, run: Run) -> None:
    out = source / "bad.csv"
    done = run("quarantine", "export", "--out", out, "--json")
    assert done.document == {"rows": 3, "out": str(out)}
    with out.open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    short = next(row for row in cells if row["reason"] == "wrong_field_count")
    short["row.line"] = "1,7,2"
    words = next(row for row in cells if row["reason"] == "bad_rating")
    words["row.rating"] = "5"
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, cells[0].keys())
        writer.writeheader()
        writer.writerows(cells)
    report = run("quarantine", "retry", out, "--json").document
    assert report["interactions"] == {
        "rows_in": 3,
        "already_known": 0,
        "accepted": 2,
        "quarantined": 1,
        "reasons": {"unknown_user": 1},
    }
    assert [row["reason"] for row in run("quarantine", "list", "--json").document] == ["unknown_user"]


def test_rows_come_in_as_they_are_once_they_are_good(source: Path, run: Run) -> None:
    (source / "users.csv").write_text("user,city\n1,Kraków\n2,Lyon\n")
    assert run("ingest").code == 0
    report = run("quarantine", "retry", "--json").document
    # The one that waited for its user came in with the ingest.
    assert (report["interactions"]["accepted"], report["interactions"]["quarantined"]) == (0, 2)
    assert "already" in run("quarantine", "retry").out


def test_json_lines_hold_what_was_put_aside(source: Path, run: Run) -> None:
    out = source / "bad.jsonl"
    run("quarantine", "export", "--out", out, "--reason", "bad_rating")
    (row,) = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert row == {
        "table": "interactions",
        "source_file": "ratings.csv",
        "source_row": 4,
        "reason": "bad_rating",
        "detail": "nine",
        "row": {"user": "1", "item": "7", "rating": "nine"},
    }


def test_what_cannot_be_done_is_told(source: Path, run: Run, home: Path) -> None:
    out = source / "bad.jsonl"
    run("quarantine", "export", "--out", out, "--reason", "bad_rating")
    out.write_text(out.read_text(encoding="utf-8").replace('"source_row":4', '"source_row":1'), encoding="utf-8")
    require_refusal(run("quarantine", "retry", out), 3, "not in quarantine", "interactions ratings.csv row 1")
    require_refusal(run("quarantine", "retry", source / "no.csv"), 5, "no such file")
    require_refusal(run("quarantine", "export", "--out", "bad.xlsx"), 2, "bad.xlsx", ".jsonl or .csv")
    with home_lock(home / "lock"):
        require_refusal(run("quarantine", "retry"), 6, "is locked")


def test_home_without_data_has_no_quarantine(run: Run) -> None:
    require_refusal(run("quarantine", "list"), 5, "holds no dataset yet")


def test_looking_at_the_quarantine_does_not_wait_for_the_suites(source: Path, home: Path) -> None:
    run = "try: main()\nfinally: print('great_expectations' in sys.modules)"
    told = f"import sys; from nightschool.cli.app import main\n{run}"
    for arguments in (("list",), ("export", "--out", source / "bad.csv")):
        outcome = spawn("--home", home, "quarantine", *arguments, code=told)
        assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "False"), outcome.err
