"""A person is forgotten after a whole night, by the command, and looked for in every byte below the home."""

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.storage import registry
from nightschool.storage.lock import home_lock
from tests.cli.conftest import Run, require_refusal, spawn
from tests.cli.forgetting import Place, places_of, rename_users

NIGHT = (
    'models=["popularity", "svd", "content"]',
    "k=10",
    "alpha_steps=1",
    "min_users=20",
    "window_days=60",
    "minutes=0",
)
PREFIXES = {"text": "lærner-", "numbers": 7_309_151_000_000}

FAILING_THEN_WHOLE = """
import sys
import tasks.ingest
from nightschool.cli import main
from nightschool.errors import DataRefused

whole, person = tasks.ingest.ingest_sources, sys.argv.pop(1)

def once(home, as_of):
    tasks.ingest.ingest_sources = whole
    raise DataRefused("a row cannot be read", seen=f"{person},1,2025")

tasks.ingest.ingest_sources = once
arguments = list(sys.argv)
try:
    main()
except SystemExit as end:
    assert end.code == 3, end
sys.argv[:] = arguments
main()
"""
"""A night that is refused with a row of the person in its message, and the night after it."""

KILLED = """
import os, signal, sys
from importlib import import_module
from nightschool.cli import main

module, owner, method = sys.argv.pop(1).split(":")
owner = getattr(import_module(module), owner) if owner else import_module(module)
original = getattr(owner, method)

def killed(*arguments, **named):
    original(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, method, killed)
main()
"""
"""A command that dies right after the first call of a function."""


@pytest.fixture(scope="module", params=["text", pytest.param("numbers", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The person has rows in all tables, one of them in quarantine, and stands in a message of a night that failed."""
    root = tmp_path_factory.mktemp("forget")
    simulated, source = root / "simulated", root / "source"
    source.mkdir()
    simulate(SimulatorConfig(users=120, items=40, interactions=2_500), simulated)
    prefix = PREFIXES[request.param]
    rename_users(simulated, source, prefix)
    gone, *others = [f"{prefix}{n:06}-zq" if isinstance(prefix, str) else prefix + n for n in (14, 15, 16, 140)]
    with (source / "engagements.csv").open("a", encoding="utf-8") as file:
        file.write(f"{gone},1,not a time,viewed,600,true\n")
    told = [part for assignment in NIGHT for part in ("--set", assignment)]
    home = root / "home"
    arguments = ("--home", home, "retrain", "--dataset", "learning", "--source-root", source, *told)
    environment = {"PREFECT_HOME": str(home / "prefect"), "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300"}
    night = spawn(gone, *arguments, code=FAILING_THEN_WHOLE, **environment)
    assert night.code == 0, night.err
    shutil.copytree(home, root / "backup")
    return Place(home, root / "backup", source, gone, tuple(others))


@pytest.fixture
def there(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The home is the one that commands use, and is as before afterwards."""
    monkeypatch.setenv("NIGHTSCHOOL_HOME", str(place.home))
    monkeypatch.setenv("PREFECT_HOME", str(place.home / "prefect"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place.home / 'mlflow.db'}")
    yield place
    place.restore()


def predicted(place: Place) -> pd.DataFrame:
    """The lists that the champion of MLflow makes for some others."""
    champion = registry.mlflow.pyfunc.load_model("models:/nightschool@champion")
    lists: pd.DataFrame = champion.predict(pd.DataFrame({"user_id": list(place.others)}), params={"k": 5})
    return lists


def test_no_byte_below_the_home_names_who_was_forgotten(there: Place, run: Run) -> None:
    before = places_of(there.home, there.gone)
    kinds = ("users", "interactions", "quarantine", "recommendations", "candidate_scores", "similar_users")
    folders = (
        *(f"lake/{kind}/" for kind in kinds),
        "serving/",
        "mlartifacts/",
        "prefect/prefect.db",
    )
    assert [folder for folder in folders if not any(name.startswith(folder) for name in before)] == []
    release, refused = sorted((there.home / "reports").iterdir())
    assert str(there.gone) not in release.read_text()
    assert str(there.gone) in refused.read_text()
    lists, listed = predicted(there), [run("recommend", "--user", user, "--json").document for user in there.others]

    outcome = run("forget", "--user", there.gone, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    document = outcome.document
    assert document["user_id"] == there.gone
    assert document["recommenders"] == 1
    assert document["removed"].keys() == {*kinds}
    assert document["removed"]["recommendations"] == 10

    assert places_of(there.home, there.gone) == []
    assert not (there.home / "reports").exists()
    assert (there.home / "lake" / "erasures").is_dir()
    pd.testing.assert_frame_equal(predicted(there), lists, rtol=1e-5)
    assert [run("recommend", "--user", user, "--json").document for user in there.others] == listed
    assert run("doctor", "--json").document["ok"]


def test_a_home_that_was_moved_forgets_in_its_own_models(there: Place, run: Run, tmp_path: Path) -> None:
    moved = tmp_path / "moved 学习" / "home"
    moved.parent.mkdir()
    there.home.rename(moved)
    try:
        outcome = run("--home", moved, "forget", "--user", there.gone, "--json")
        assert (outcome.code, outcome.document["recommenders"]) == (0, 1)
        assert not there.home.exists()
        assert places_of(moved, there.gone) == []
        assert run("--home", moved, "doctor", "--json").document["ok"]
    finally:
        moved.rename(there.home)


def test_a_copy_forgets_in_its_own_models_and_leaves_the_original_as_it_is(
    there: Place, run: Run, tmp_path: Path
) -> None:
    copy, before = tmp_path / "copy", contents(there.home)
    shutil.copytree(there.home, copy)
    lists = predicted(there)
    outcome = run("--home", copy, "forget", "--user", there.gone, "--json")
    assert (outcome.code, outcome.document["recommenders"]) == (0, 1)
    assert places_of(copy, there.gone) == []
    assert contents(there.home) == before
    pd.testing.assert_frame_equal(predicted(there), lists)


def test_a_person_is_not_said_to_be_forgotten_while_a_model_cannot_be_found(there: Place, run: Run) -> None:
    (model,) = (there.home / "mlartifacts").glob("*/artifacts/model")
    shutil.rmtree(model)
    require_refusal(
        run("forget", "--user", there.gone, "--json"), 7, "files of version 1", "restore them from a backup"
    )
    assert not (there.home / "erasure.json").exists()


def contents(home: Path) -> dict[str, bytes]:
    """Every file below the home, but for what SQLite keeps while a database is read."""
    files = [file for file in home.rglob("*") if file.is_file() and not file.name.endswith(("-shm", "-wal"))]
    return {str(file.relative_to(home)): file.read_bytes() for file in files}


def test_everything_else_goes_on_after_it(there: Place, run: Run) -> None:
    (release,) = run("releases", "list", "--json").document
    assert state(run, release["id"]) == (0, "intact")
    shown = run("forget", "--user", there.gone).out
    assert f"User {there.gone} is forgotten." in shown
    assert "Recommenders rewritten without the user: 1." in shown
    assert state(run, release["id"]) == (0, "erased")
    (after,) = run("releases", "list", "--json").document
    assert after == release
    require_refusal(run("forget", "--user", there.gone), 5, "no such user any more, forgotten on")
    require_refusal(run("similar-users", "--user", there.gone), 5)
    assert run("recommend", "--user", there.gone, "--json").document["items"][0]["source"] == "audience"
    for file in (there.home / "lake" / "metrics").rglob("*.parquet"):
        file.write_bytes(b"")
    assert state(run, release["id"]) == (4, "damaged")


def test_who_was_forgotten_does_not_come_in_again(there: Place, run: Run) -> None:
    assert run("forget", "--user", there.gone).code == 0
    files = [there.source / name for name in ("users.csv", "engagements.csv")]
    before = [file.read_bytes() for file in files]
    try:
        with files[0].open("a", encoding="utf-8") as users, files[1].open("a", encoding="utf-8") as log:
            users.write(f"{str(there.gone)[:-1]}x,,,,\n" if isinstance(there.gone, str) else "99,,,,\n")
            log.write(f"{there.gone},1,2025-06-29T10:00:00Z,viewed,600,true\n{there.gone},1,bad,viewed,600,true\n")
        rows = run("ingest", "--json").document
    finally:
        for file, content in zip(files, before, strict=True):
            file.write_bytes(content)
    assert (rows["users"]["accepted"], rows["users"]["reasons"]) == (1, {"forgotten_user": 1})
    assert (rows["interactions"]["accepted"], rows["interactions"]["reasons"]) == (0, {"forgotten_user": 2})
    assert places_of(there.home, there.gone) == []


def state(run: Run, release_id: str) -> tuple[int, Any]:
    outcome = run("releases", "verify", release_id, "--json")
    assert f"Release {release_id} is {outcome.document['state']}." in run("releases", "verify", release_id).out
    return outcome.code, outcome.document["state"]


MOMENTS = {
    "the tombstone": ("nightschool.storage.erasure_log:Erasures:note", "the same"),
    "a table": ("nightschool.storage.lake:Lake:replace_release", "another person's"),
    "a new recommender": ("mlflow:MlflowClient:create_model_version", "ingest"),
    "the texts": ("nightschool.application.forget::erase_texts", "the same"),
}
"""After what the command dies, and which command finishes what it began."""


@pytest.mark.faults
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("place", ["text"], indirect=True)
def test_an_erasure_that_is_killed_is_finished_by_the_next_command(there: Place, run: Run, moment: str) -> None:
    step, follower = MOMENTS[moment]
    killed = spawn(step, "forget", "--user", there.gone, "--yes", code=KILLED)
    assert killed.code == -signal.SIGKILL, killed
    doctor = {check["name"]: check for check in run("doctor", "--json").document["checks"]}
    assert "the erasure of a user is unfinished" in doctor["erasure"]["seen"]
    assert [run("recommend", "--user", user, "--json").code for user in there.others] == [0, 0, 0]
    if follower == "ingest":
        assert run("ingest", "--json").document["users"]["accepted"] == 0
    elif follower == "the same":
        assert run("forget", "--user", there.gone, "--json").document["removed"]["users"] == 1
    else:
        assert run("forget", "--user", there.others[0], "--json").document["user_id"] == there.others[0]
        assert places_of(there.home, there.others[0]) == []
    assert places_of(there.home, there.gone) == []
    assert run("doctor", "--json").document["ok"]


@pytest.mark.parametrize("place", ["text"], indirect=True)
def test_who_is_not_known_or_cannot_be_is_not_found(there: Place, run: Run) -> None:
    for user in ("nobody", "", " ", ".", "viewed", "true", "'; DROP TABLE users; --", "x" * 10_000):
        require_refusal(run("forget", "--user", user), 5, "no such user")
    require_refusal(run("forget", "--user", "\udcff"), 5, "User ids in this home are texts in Unicode")
    assert not (there.home / "erasure.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("place", ["numbers"], indirect=True)
def test_a_number_is_taken_as_it_is_written(there: Place, run: Run) -> None:
    for user in ("nobody", f"+{there.gone}", f"0{there.gone}", f"{there.gone}.0", "9" * 40, "١٤"):
        require_refusal(run("forget", "--user", user), 5, "User ids in this home are whole numbers")


@pytest.mark.parametrize("place", ["text"], indirect=True)
def test_a_home_in_which_a_night_runs_is_busy(there: Place, run: Run) -> None:
    with home_lock(there.home / "lock"):
        require_refusal(run("forget", "--user", there.gone), 6, "is locked")
    assert places_of(there.home, there.gone)


@pytest.mark.parametrize("place", ["text"], indirect=True)
@pytest.mark.parametrize(("answer", "removed"), [("n\n", False), ("y\n", True)])
def test_a_person_at_a_terminal_is_asked(
    there: Place, run: Run, monkeypatch: pytest.MonkeyPatch, answer: str, removed: bool
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self, *_: object) -> str:
            return answer

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("typer.confirm", lambda *_, **__: answer == "y\n")
    outcome = run("forget", "--user", there.gone)
    assert outcome.code == 0
    assert ("Nothing was removed." in outcome.err) != removed
    assert (places_of(there.home, there.gone) == []) == removed
