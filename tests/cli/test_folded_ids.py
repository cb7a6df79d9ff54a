"""A home in which user ids that differ by case alone are one user: every command takes them in any case."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import NIGHT, Outcome, Run, run_here

MANIFEST = """
name = "letters"
score = "implicit"
history = true
fold_case = true
[interactions]
files = ["log.csv"]
user = "mail"
item = "course"
timestamp = { column = "at", unit = "s" }
"""


@pytest.fixture(scope="module")
def letters(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a release, whose users wrote their addresses in any case."""
    root = tmp_path_factory.mktemp("letters")
    rows = []
    for user in range(80):
        for step in range(12):
            name = f"Person{user}@X.org" if step % 2 else f"person{user}@x.org"
            rows.append(
                f"{name},{(7 * user + step * (1 + user % 3)) % 40},{1_700_000_000 + 5_000 * (12 * user + step)}"
            )
    (root / "log.csv").write_text("\n".join(["mail,course,at", *rows]) + "\n")
    (root / "letters.toml").write_text(MANIFEST)
    home = root / "home"
    sets = [word for entry in NIGHT for word in ("--set", entry)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSCHOOL_HOME", str(home))
        made = run_here(patch, "retrain", "--dataset", root / "letters.toml", "--source-root", root, *sets)
    assert made.code == 0, made
    return home


@pytest.fixture
def ask(letters: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    monkeypatch.setenv("NIGHTSCHOOL_HOME", str(letters))
    return run


@pytest.mark.parametrize("command", ["recommend", "similar-users", "export"])
def test_an_id_in_any_case_is_the_same_user(ask: Callable[..., Outcome], command: str) -> None:
    small, large = (ask(command, "--user", name, "--json") for name in ("person3@x.org", "PERSON3@X.ORG"))
    assert (small.code, large.code) == (0, 0), large
    assert large.document == small.document
    assert large.document["user_id"] == "person3@x.org"


def test_whoever_is_to_be_forgotten_is_found_in_any_case(ask: Callable[..., Outcome]) -> None:
    report = ask("forget", "--user", "PERSON4@x.org", "--yes", "--json").document
    assert report["user_id"] == "person4@x.org"
    assert report["removed"]["interactions"] == 12
    assert ask("export", "--user", "person4@x.org").code == 5
