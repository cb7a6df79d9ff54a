"""What stays of a night however it ends: its rows, its state and labels in Prefect, its messages, its exit code."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.retrain import retrain
from nightschool.errors import Busy, ConfigurationError, DataRefused, Unavailable
from nightschool.night.config import NightConfig
from nightschool.night.records import STAGES
from nightschool.settings import Settings
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.storage.lock import home_lock
from nightschool.storage.nights import NightRow, Nights
from tests.application.hooks import Hook, hook

ROOT = Path(__file__).parents[2]
SMALL = {"models": ("popularity", "ease"), "params": {"ease": {"l2": 50.0}}, "k": 10, "alpha_steps": 2, "min_users": 20}
CONFIG = NightConfig.model_validate({**SMALL, "minutes": 0.01})


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    simulate(SimulatorConfig(users=200, items=80, interactions=4_000, seed=1), folder)
    return folder


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with hook() as found:
        monkeypatch.setenv("NIGHTSCHOOL_NOTIFY", found.address)
        monkeypatch.setenv("NIGHTSCHOOL_HEARTBEAT", f"http://127.0.0.1:{found.port}/beat")
        yield found


def nights() -> list[NightRow]:
    return Nights.of(Settings().paths).all()


def pages(home: Path) -> list[str]:
    """The pages on nights without a release, in order."""
    return [
        page.read_text() for page in sorted((home / "reports").glob("night-*"), key=lambda page: page.stat().st_mtime)
    ]


def run_of(prefect_api: str, row: NightRow) -> dict[str, Any]:
    return httpx.get(f"{prefect_api}/flow_runs/{row.flow_run_id}").raise_for_status().json()


def artifacts_of(prefect_api: str, row: NightRow) -> dict[str, str]:
    asked = {"flow_runs": {"id": {"any_": [row.flow_run_id]}}}
    found = httpx.post(f"{prefect_api}/artifacts/filter", json=asked).raise_for_status().json()
    return {entry["key"]: entry["data"] for entry in found}


def test_nights_that_fail_and_recover_and_are_published(
    prefect_api: str, home: Path, source: Path, tmp_path: Path, told: Hook, reports: None
) -> None:
    bad = shutil.copytree(source, tmp_path / "bad")
    text = (bad / "engagements.csv").read_text()
    (bad / "engagements.csv").write_text(text.replace("user_id", "learner", 1))
    with pytest.raises(DataRefused, match="user_id"):
        retrain("learning", bad, config=CONFIG)
    (refused,) = nights()
    assert (refused.outcome, refused.exit_code, refused.newest_event) == ("data refused", 3, None)
    assert "user_id" in refused.reason
    run = run_of(prefect_api, refused)
    assert (run["state"]["type"], run["state"]["name"]) == ("FAILED", "Data refused")
    assert run["state"]["message"] == refused.reason
    assert "data refused" in run["tags"]
    assert "Tonight&#39;s data cannot be used" in pages(home)[-1]

    # A refused first night binds nobody.
    report = retrain("learning", source, config=CONFIG)
    published = nights()[0]
    assert (published.outcome, published.exit_code, published.release_id) == ("published", 0, report["release_id"])
    assert (published.as_of, published.reason) == (datetime.fromisoformat(report["as_of"]), report["sentence"])
    assert published.rows == report["rows"]
    assert published.newest_event is not None
    assert set(published.stages) == {record.stage for record in STAGES} - {"recover"}  # there was nothing to recover
    assert all(figures["seconds"] > 0 and figures["gigabytes"] > 0 for figures in published.stages.values())
    run = run_of(prefect_api, published)
    assert (run["name"], run["state"]["name"]) == (report["release_id"], "Completed")
    assert set(run["tags"]) == {"published", "learning"}
    links = artifacts_of(prefect_api, published)
    assert f"http://127.0.0.1:8000/operator?releases=all#release-{report['release_id']}" in links["release"]
    assert "http://127.0.0.1:5000/#/runs/" in links["mlflow"]
    assert re.search(r"http://127.0.0.1:5000/#/experiments/1/runs/\w+/artifacts/report.html", links["report"])
    page = (home / "reports" / f"{report['release_id']}.html").read_text()
    (shared,) = [file.read_text() for file in (home / "mlartifacts").rglob("report.html")]
    assert page.count("<svg") == shared.count("<svg") > 10
    assert ("Learner 1" in page, "Learner 1" in shared) == (True, False)
    assert told.titles == ["Nightschool learning: data refused", "Nightschool learning: recovered"]
    assert told.asked == ["/beat"]

    again = retrain(config=CONFIG)
    assert (nights()[0].outcome, nights()[0].release_id) == ("already published", again["release_id"])
    assert f"Users see the lists of {again['release_id']}, as before." in pages(home)[-1]


def test_a_typo_is_refused_before_any_file_is_read(prefect_api: str, source: Path) -> None:
    with pytest.raises(ConfigurationError, match="pobularity") as caught:
        retrain("learning", source, config=NightConfig(models=("pobularity",)))
    assert caught.value.exit_code == 2
    paths = Settings().paths
    assert [path.name for path in paths.lake.iterdir()] == ["nights"]
    assert not paths.binding.exists()
    (row,) = nights()
    assert (row.outcome, row.exit_code) == ("wrong configuration", 2)
    assert run_of(prefect_api, row)["state"]["name"] == "Wrong configuration"


def test_rules_that_do_not_fit_the_dataset_and_the_future_are_refused_first(prefect_api: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="half_life_days"):
        retrain("movielens-100k", tmp_path, config=NightConfig(half_life_days=30))
    with pytest.raises(ConfigurationError, match="T lies in the future"):
        retrain("learning", tmp_path, as_of=datetime.now(UTC) + timedelta(days=1))
    assert [row.outcome for row in nights()] == ["wrong configuration", "wrong configuration"]


def test_a_locked_home_leaves_a_row_too(prefect_api: str, source: Path) -> None:
    with home_lock(Settings().paths.lock), pytest.raises(Busy):
        retrain("learning", source, config=CONFIG)
    (row,) = nights()
    assert (row.outcome, row.exit_code) == ("busy", 6)
    assert run_of(prefect_api, row)["state"]["name"] == "Busy"


def test_a_defect_is_raised_as_it_is(
    prefect_api: str, source: Path, monkeypatch: pytest.MonkeyPatch, told: Hook
) -> None:
    monkeypatch.setattr("nightschool.application.sources.ingest", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        retrain("learning", source, config=CONFIG)
    (row,) = nights()
    assert (row.outcome, row.exit_code, row.reason) == ("failed", 1, "ZeroDivisionError: division by zero")
    assert run_of(prefect_api, row)["state"]["name"] == "Failed"
    assert told.titles == ["Nightschool learning: failed"]


def test_what_the_machine_lacks_is_told_and_is_the_nights_own_error(
    prefect_api: str, source: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        monkeypatch.setattr(Nights, "append", append)
        raise MemoryError

    def append(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nightschool.application.sources.ingest", full)
    with pytest.raises(Unavailable, match="memory ran out") as caught:
        retrain("learning", source, config=CONFIG)
    assert caught.value.exit_code == 7
    assert "the end of this night could not be noted" in caplog.text
    monkeypatch.undo()


def test_a_scheduled_night_has_its_instant(prefect_api: str, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = datetime(2026, 11, 1, 2, tzinfo=UTC)
    monkeypatch.setattr("nightschool.application.attempt.scheduled_start", lambda: planned)
    with pytest.raises(ConfigurationError):
        retrain("learning", source, config=NightConfig(models=("pobularity",)))
    assert (nights()[0].scheduled_for, nights()[0].as_of) == (planned, planned)


@contextmanager
def night_process(home: Path, source: Path, prefect_api: str) -> Iterator[subprocess.Popen[str]]:
    """The command line's night, in its first stages."""
    command = [sys.executable, "-c", "from nightschool.cli import main; main()", "--home", str(home), "retrain"]
    options = ["--dataset", "learning", "--source-root", str(source), "--json", "--set", 'models=["popularity"]']
    environment = {**os.environ, "PREFECT_API_URL": prefect_api}
    with subprocess.Popen(
        [*command, *options], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while not (home / "tries").exists() or not list((home / "tries").glob("[!.]*")):
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def test_ctrl_c_ends_with_130_and_says_nothing_more(prefect_api: str, home: Path, source: Path) -> None:
    with night_process(home, source, prefect_api) as process:
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert "Traceback" not in err
    (row,) = nights()
    assert (row.outcome, row.exit_code) == ("interrupted", 130)


@pytest.mark.faults
def test_a_killed_night_died(prefect_api: str, home: Path, source: Path) -> None:
    with night_process(home, source, prefect_api) as process:
        time.sleep(1)
        assert [row.outcome for row in nights()] == ["running"]
        process.kill()
        process.wait()
    assert [row.outcome for row in nights()] == ["died"]
