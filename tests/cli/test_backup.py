from pathlib import Path

import pytest

from nightschool.settings import Settings
from nightschool.storage.lock import home_lock
from tests.cli.conftest import Published, Run, require_refusal


def test_a_backup_goes_on_elsewhere(reading: Published, run: Run, tmp_path: Path) -> None:
    file, new = tmp_path / "b.zip", tmp_path / "new 学习"
    made = run("backup", file, "--json").document
    assert made == {"file": str(file), "files": made["files"], "bytes": file.stat().st_size}
    assert run("--home", new, "restore", file, "--json").document == {"home": str(new), "files": made["files"]}
    lists = [run("--home", home, "recommend", "--user", 2, "--json").document for home in (reading.home, new)]
    assert lists[0] == lists[1]
    assert run("--home", new, "releases", "verify", reading.release_id, "--json").document["state"] == "intact"
    assert run("--home", new, "ingest", "--json").document["interactions"]["accepted"] == 0
    assert run("--home", new, "forget", "--user", 2, "--json").document["recommenders"] == 1
    assert run("--home", new, "doctor", "--json").document["ok"]
    original = run("--home", reading.home, "releases", "verify", reading.release_id, "--json")
    assert original.document["state"] == "intact"


def test_what_cannot_be_backed_up_or_restored_is_told(writing: Published, run: Run, tmp_path: Path) -> None:
    with home_lock(Settings().paths.lock):
        require_refusal(run("backup", tmp_path / "b.zip"), 6, "is locked")
    require_refusal(run("--home", tmp_path / "none", "backup", tmp_path / "b.zip"), 5, "there is no home to back up")
    require_refusal(run("restore", tmp_path / "b.zip"), 5, "no such file")
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("shown", ["The backup still holds users who were forgotten after it was made"])
def test_a_restored_home_says_whom_to_forget_again(shown: str, reading: Published, run: Run, tmp_path: Path) -> None:
    assert run("backup", tmp_path / "b.zip").code == 0
    assert shown in run("--home", tmp_path / "new", "restore", tmp_path / "b.zip").out
