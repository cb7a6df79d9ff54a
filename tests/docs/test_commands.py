"""Every command that README and the docs name exists, with its options."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from nightschool.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`((?:nightschool|make) [^`…]+)`")
CUT = re.compile(r"…|: |; |\bN\b|\bArms are ")
"""Where a symptom of the runbook leaves out a value."""
COMMANDS = typer.main.get_command(app)


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every line of a page's shell blocks and of every code span that runs `nightschool` or `make`."""
    text = page.read_text(encoding="utf-8")
    lines = [line for kind, block in BLOCK.findall(text) for line in joined(block) if kind == "bash"]
    for line in [*lines, *SPAN.findall(text)]:
        words = shlex.split(line.removeprefix("$ "), comments=True)
        places = [place for place, word in enumerate(words) if word.rpartition("/")[2] in {"nightschool", "make"}]
        if places and "docker" not in words[0]:
            yield [words[places[0]].rpartition("/")[2], *words[places[0] + 1 :]]


def joined(block: str) -> list[str]:
    return block.replace("\\\n", " ").splitlines()


def require_command(words: list[str]) -> None:
    """Follow the words through the commands and look for each option."""
    command = COMMANDS
    for word in words:
        if isinstance(command, TyperGroup) and not word.startswith("-"):
            assert word in command.commands, f"{' '.join(words)}: there is no command {word}"
            command = command.commands[word]
        elif word.startswith("-"):
            options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            assert word.partition("=")[0] in options | {"--help"}, f"{' '.join(words)}: there is no option {word}"


def without_home(words: list[str]) -> list[str]:
    """The words without `--home DIR`, which may stand anywhere."""
    if "--home" not in words:
        return words
    place = words.index("--home")
    return words[:place] + words[place + 2 :]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for program, *words in commands(page):
        if program == "make":
            assert {word for word in words if "=" not in word} <= targets
        else:
            require_command(without_home(words))


def test_symptoms_of_the_runbook_are_messages_of_the_code() -> None:
    """A message that was reworded no longer leads to its line of the runbook."""
    runbook = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (.*?) \|", runbook, re.MULTILINE)
    parts = [part.strip(" :") for cell in cells for span in re.findall(r"`([^`]+)`", cell) for part in CUT.split(span)]
    symptoms = {part for part in parts if part.count(" ") > 1 and not part.startswith("nightschool ")}
    assert len(symptoms) > 25
    folders = ("nightschool", "models", "tasks", "serving")
    code = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in (ROOT / folder).rglob("*.py"))
    assert [symptom for symptom in sorted(symptoms) if symptom not in code] == []


def test_pages_name_commands() -> None:
    assert sum(len(list(commands(page))) for page in PAGES) > 100


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 110


def test_a_command_that_is_gone_is_found() -> None:
    with pytest.raises(AssertionError, match="no command retire"):
        require_command(["retire", "--home", "x"])
    with pytest.raises(AssertionError, match="no option --alpha"):
        require_command(["retrain", "--alpha", "1"])
