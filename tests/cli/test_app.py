import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup

from nightschool import errors
from nightschool.cli import app as command_line
from tests.cli.conftest import Run, require_refusal, spawn

HEAVY = (
    *("polars", "numpy", "prefect", "mlflow", "great_expectations", "matplotlib", "deltalake", "sklearn"),
    *("pydantic", "psutil", "fastapi", "sqlalchemy"),
)


def commands(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def every_command() -> list[tuple[str, ...]]:
    root = typer.main.get_command(command_line.app)
    assert isinstance(root, TyperGroup)
    return list(commands(root))


def test_commands_are_those_of_the_design() -> None:
    told = {" ".join(path) for path in every_command()}
    assert told >= {
        "simulate",
        "ingest",
        "retrain",
        "evaluate",
        "nights",
        "recommend",
        "similar-items",
        "export",
        "doctor",
        "up",
    }
    assert told >= {"experiment start", "experiment status", "experiment stop", "keys add", "keys list", "keys revoke"}
    assert told >= {f"releases {name}" for name in ("list", "show", "rollback", "hold", "release-hold", "prune")}


def test_every_public_function_of_the_command_line_is_used() -> None:
    """A command without its entry in `app.py` is named by nothing."""
    folder = Path(command_line.__file__).parent
    trees = [ast.parse(file.read_text()) for file in folder.glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    used = {"main"} | {node.id for node in nodes if isinstance(node, ast.Name)}
    used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    for function in (node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)):
        assert function.name in used or function.decorator_list, (
            f"{function.name} needs its entry in nightschool/cli/app.py"
        )


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...], run: Run, home: Path) -> None:
    outcome = run(*path, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert " ".join(["Usage: nightschool", *path]) in outcome.out
    assert not home.exists()


def test_help_loads_no_heavy_library() -> None:
    code = "from nightschool.cli import main; import sys, atexit\n"
    code += f"atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr))\nmain()"
    outcome = spawn("--help", code=code)
    assert (outcome.code, outcome.err) == (0, "[]\n")


@pytest.mark.parametrize(
    "line",
    [
        ["nope"],
        ["recommend"],
        ["recommend", "--user", "1", "-k", "0"],
        ["recommend", "--user", "1", "-k", "many"],
        ["simulate", "--out", "x", "--users", "0"],
        ["releases", "show"],
        ["retrain", "--no-such-option"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_with_the_way_to_help(line: list[str], run: Run) -> None:
    outcome = run(*line)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--help' for help" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("place", [0, 1, 2])
def test_home_stands_anywhere_on_the_line(place: int, run: Run, tmp_path: Path) -> None:
    line = ["releases", "list"]
    line[place:place] = ["--home", str(tmp_path / "other")]
    require_refusal(run(*line), 5, tmp_path / "other")
    line[place : place + 2] = [f"--home={tmp_path / 'third'}"]
    require_refusal(run(*line), 5, tmp_path / "third")


def test_home_comes_from_the_environment_too(run: Run, home: Path) -> None:
    require_refusal(run("releases", "list"), 5, home)


@pytest.mark.parametrize(
    "line", [["releases", "--home", "--json", "list"], ["--home", "--json"], ["--home="]], ids=" ".join
)
def test_home_without_a_folder_is_wrong_usage(line: list[str], run: Run) -> None:
    require_refusal(run(*line), 2, "--home takes a folder", "write --home DIR")


def test_home_at_the_end_of_the_line_needs_a_folder_too(run: Run) -> None:
    outcome = run("releases", "list", "--home")
    assert (outcome.code, outcome.out) == (2, "")
    assert "Option '--home' requires an argument" in outcome.err


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_every_parameter_of_a_command_has_help(path: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(command_line.app)
    for name in path:
        command = command.commands[name]
    assert command.help
    assert [parameter.name for parameter in command.params if not parameter.help] == []
    assert "home" in {parameter.name for parameter in command.params}


def test_every_command_is_in_a_part_of_the_help() -> None:
    root: Any = typer.main.get_command(command_line.app)
    parts = {command.rich_help_panel for command in root.commands.values()}
    assert parts == {
        getattr(command_line, name) for name in ("NIGHTS", "PUBLISHED", "SERVERS", "DATA", "COMPARE", "SET_UP")
    }


@pytest.mark.parametrize(
    ("begun", "offered"), [("nightschool rel", "releases"), ("nightschool releases ro", "rollback")]
)
def test_a_shell_completes_commands_and_prepares_no_home(begun: str, offered: str, home: Path) -> None:
    words = {"COMP_WORDS": begun, "COMP_CWORD": str(begun.count(" "))}
    outcome = spawn(_NIGHTSCHOOL_COMPLETE="complete_bash", **words)
    assert outcome.out.split() == [offered]
    assert not home.exists()


def test_home_that_is_a_file_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    require_refusal(run("--home", file, "releases", "list"), 2, "the home is not a folder", file, "--home")


def test_setting_out_of_range_is_named_as_one_sets_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTSCHOOL_BLOCK_MEGABYTES", "none")
    require_refusal(run("releases", "list"), 2, "NIGHTSCHOOL_BLOCK_MEGABYTES", "'none'", "unset it")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NightschoolError, 1),
        (errors.ConfigurationError, 2),
        (errors.ManifestError, 2),
        (errors.Conflict, 2),
        (errors.DataRefused, 3),
        (errors.GateRefused, 4),
        (errors.NotFound, 5),
        (errors.Busy, 6),
        (errors.Unavailable, 7),
        (errors.Unreachable, 7),
    ],
)
def test_expected_errors_end_with_their_code_and_one_line(
    error: type[errors.NightschoolError], code: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: str) -> None:
        raise error("no more chalk", seen=0, do="buy some")

    monkeypatch.setattr(command_line, "app", refuse)
    outcome = run()
    require_refusal(outcome, code, f"{error.__name__}: no more chalk; saw 0; buy some")


def test_defects_keep_their_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(command_line, "app", fail)
    with pytest.raises(ZeroDivisionError):
        run()


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("database or disk is full"), MemoryError()]
)
def test_what_the_machine_lacks_is_one_line(error: Exception, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: str) -> None:
        raise error

    monkeypatch.setattr(command_line, "app", fail)
    require_refusal(run(), 7, "Unavailable: ", "; saw ")


def test_an_interrupt_ends_with_130_and_says_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(**_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "app", interrupt)
    assert run() == (130, "", "")


def test_real_command_prints_one_document_and_nothing_else(tmp_path: Path) -> None:
    outcome = spawn("simulate", "--out", tmp_path, "--users", 20, "--items", 30, "--interactions", 100, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out)["interactions"] == 100


def test_real_command_refuses_in_one_line(home: Path) -> None:
    require_refusal(spawn("releases", "rollback", "x"), 5, f"home {home} holds no dataset yet", "nightschool ingest")
    assert not home.exists()


def test_ctrl_c_within_a_finalizer_still_ends_the_command() -> None:
    code = """
import os, signal, time
from nightschool.cli import app

class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

def command(prog_name):
    Dying()
    time.sleep(60)

app.app = command
app.main()
"""
    outcome = spawn(code=code)
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "")
