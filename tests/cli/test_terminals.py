"""Terminals that know no UTF-8, Ctrl-C and places that cannot be written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Published, Run, require_refusal, spawn

NO_UTF8 = {"PYTHONIOENCODING": "ascii", "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}
COMMAND = "from nightschool.cli import main; main()"


def test_a_terminal_without_utf8_shows_what_it_can(published: Published, tmp_path: Path) -> None:
    home = tmp_path / "\u5b66\u4e60"
    home.symlink_to(published.home)
    people = spawn("--home", home, "similar-items", "--item", "1", **NO_UTF8)
    assert (people.code, people.err) == (0, "")
    assert people.out.isascii()
    machines = spawn("--home", home, "recommend", "--user", "2", "--json", **NO_UTF8)
    assert machines.code == 0, machines.err
    assert machines.out.isascii()
    assert json.loads(machines.out)["items"]
    require_refusal(spawn("--home", home, "releases", "show", "ü", **NO_UTF8), 5, "no such release")


@pytest.mark.parametrize("after", [0.05, 0.15, 0.3])
def test_ctrl_c_while_the_command_is_loaded_leaves_no_traceback(tmp_path: Path, after: float) -> None:
    command = [sys.executable, "-c", f"print(flush=True); {COMMAND}", "--home", str(tmp_path / "home"), "doctor"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")


def test_tables_that_cannot_be_written_are_told_in_one_line(
    writing: Published, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    may = os.access
    monkeypatch.setattr("os.access", lambda path, mode: not mode & os.W_OK and may(path, mode))
    require_refusal(
        run("releases", "hold", "--reason", "x"), 7, "the tables cannot be written", "mount them for writing"
    )
    checks = {check["name"]: check for check in run("doctor", "--json").document["checks"]}
    assert not checks["home"]["ok"]
    assert "choose another with --home" in checks["home"]["seen"]
