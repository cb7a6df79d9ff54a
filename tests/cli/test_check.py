"""A manifest tried on its files: what would come in is told, and nothing is written."""

from pathlib import Path

from tests.cli.conftest import Run

MANIFEST = """
name = "mine"
score = "events"
[interactions]
files = ["log.csv"]
user = "user"
item = "item"
event = "kind"
timestamp = { column = "at", unit = "iso" }
"""
ROWS = ["1,7,view,2025-01-01", "NULL,7,view,2025-01-01", "2,8,complete,2025-01-02", "2,8,complete,someday"]


def test_a_manifest_is_tried_and_nothing_is_written(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MANIFEST)
    (tmp_path / "log.csv").write_text("user,item,kind,at\n" + "".join(f"{row}\n" for row in ROWS))
    before = sorted(tmp_path.rglob("*"))
    outcome = run("check", tmp_path / "mine.toml", "--source-root", tmp_path, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    document = outcome.document
    assert document["ids"] == {"user": "Int64", "item": "Int64"}
    assert document["tables"]["interactions"]["accepted"] == 2
    assert {row["reason"]: row["example"] for row in document["quarantine"]} == {
        "missing_user": "NULL",
        "bad_timestamp": "someday",
    }
    assert [row["event"] for row in document["samples"]["interactions"]] == ["view", "complete"]
    assert document["refusal"] is None
    shown = run("check", tmp_path / "mine.toml", "--source-root", tmp_path).out
    assert "User ids are whole numbers, item ids are whole numbers." in shown
    assert "someday" in shown
    assert sorted(tmp_path.rglob("*")) == before


def test_a_refusal_is_told_with_its_reason(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MANIFEST)
    (tmp_path / "log.csv").write_text("user,item,kind\n1,7,view\n")
    outcome = run("check", tmp_path / "mine.toml", "--source-root", tmp_path, "--json")
    assert outcome.code == 3
    assert "log.csv has no column at" in outcome.document["refusal"]
    assert run("check", tmp_path / "no.toml", "--source-root", tmp_path).code == 2
    assert run("check", tmp_path / "mine.toml", "--source-root", tmp_path / "no").code == 5
