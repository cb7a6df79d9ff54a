"""Every test has a home of its own, and no setting of the machine that it runs on."""

import atexit
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from nightschool.cli.environment import prepare_environment
from tests.postgres import Server, running_server

TEST_DATA = "NIGHTSCHOOL_TEST_DATA"
LONGEST = {"flows", "docker", "rehearsal"}
"""Folders whose tests run whole nights."""
SHARING = {
    "servers": {f"flows/test_{name}.py" for name in ("deployments", "schedules", "shutdown")},
    "published": {f"cli/test_{name}.py" for name in ("duckdb", "lookup", "releases", "shown", "steer", "terminals")},
}
"""Files whose tests share what takes long to make: a running `nightschool up`, a home that a night has made."""
NIGHTS = {
    "spark/test_nights.py",
    "application/test_stage_progress.py",
    "cli/test_automations.py",
    "cli/test_duckdb.py",
    "cli/test_forget.py",
    "cli/test_home_versions.py",
    "cli/test_lookup.py",
    "cli/test_night.py",
    "cli/test_releases.py",
    "cli/test_serve.py",
    "cli/test_shown.py",
    "cli/test_steer.py",
    "cli/test_temporary_server.py",
    "cli/test_terminals.py",
    "flows/rehearsal/test_rehearsal.py",
    "flows/test_deployments.py",
    "flows/test_frame.py",
    "flows/test_late_nights.py",
    "flows/test_nights.py",
    "flows/test_schedules.py",
    "flows/test_shared_lake.py",
    "flows/test_shutdown.py",
    "ingest/quarantine/test_retry.py",
    "ingest/test_feedback_events.py",
    "ingest/test_sent_changes.py",
    "models/neural/test_lightgcn.py",
    "models/neural/test_lightgcn_training.py",
    "models/neural/test_multvae.py",
    "models/neural/test_multvae_training.py",
    "models/neural/test_neumf.py",
    "models/neural/test_neumf_training.py",
    "models/neural/test_neural_hybrid.py",
    "models/neural/test_neural_hybrid_training.py",
    "night/test_interrupted_nights.py",
    "night/test_late_nights.py",
    "night/test_unchanged_nights.py",
    "serving/page/test_browser.py",
}
"""Files of `make test-nights`: nights, servers, networks and real files in many variants, half of the time."""
SLOW = {
    "cli/test_backfill.py",
    "cli/test_backup.py",
    "cli/test_folded_ids.py",
    "cli/test_home_paths.py",
    "cli/test_init.py",
    "cli/test_live.py",
    "cli/test_oracle.py",
    "cli/test_report.py",
    "cli/test_untrusted_archives.py",
    "cli/test_untrusted_exports.py",
    "cli/test_untrusted_files.py",
    "cli/test_untrusted_formats.py",
    "cli/test_untrusted_values.py",
    "docs/test_site.py",
    "flows/test_ended.py",
    "flows/test_logged_lists.py",
    "ingest/test_ingest_anything.py",
    "ingest/test_ingest_bytes.py",
    "ingest/test_ingest_real_data.py",
    "inspection/test_real_data.py",
    "models/factorization/test_leave_one_out.py",
    "models/rating_stack/test_stack.py",
    "models/sequential/test_difficult_histories.py",
    "privacy/test_erase.py",
    "serving/page/test_api_docs.py",
    "serving/page/test_operator_in_browser.py",
    "serving/page/test_own_in_browser.py",
    "serving/page/test_steering_in_browser.py",
    "serving/test_against_models.py",
    "serving/test_ended.py",
    "serving/test_stateful.py",
    "storage/test_as_of.py",
    "storage/test_backup.py",
}
"""Files of `make test-slow`: what takes long and changes seldom."""
SERVERS = {"postgres", "prefect_api", "servers", "world"}
"""Fixtures that start a server."""
# How long an example takes says something about the machine, not about the code.
settings.register_profile("nightschool", deadline=None, max_examples=40)
settings.load_profile("nightschool")

_SETTINGS = ("NIGHTSCHOOL_", "PREFECT_", "MLFLOW_", "GX_", "AWS_")


def _prepare() -> None:
    for name in [name for name in os.environ if name.startswith(_SETTINGS) and name != TEST_DATA]:
        del os.environ[name]
    folder = tempfile.mkdtemp(prefix="nightschool-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NIGHTSCHOOL_HOME"] = folder
    # Tests train for moments: compiling takes longer than running what was compiled.
    os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
    prepare_environment()


# Prefect and MLflow read their settings as they are imported, which the conftest of a folder below may do.
_prepare()
# What collecting makes stays until the end: looking for garbage among it takes a sixth of the time.
gc.disable()


class _Sharing(LoadFileScheduling):
    """Gives each file to one process, and all files that share what takes long to make to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return next((shared for shared, files in SHARING.items() if file.removeprefix("tests/") in files), file)


def pytest_collection_finish() -> None:
    """Collects garbage from now on, but not among what was imported and collected."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """The scheduler of `-n 2 --dist loadfile`."""
    return _Sharing(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs a server, and puts the files whose tests take minutes first: the processes then end together."""
    for item in items:
        if not SERVERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("server")
        if item.path.relative_to(Path(__file__).parent).as_posix() in NIGHTS:
            item.add_marker("nights")
        if item.path.relative_to(Path(__file__).parent).as_posix() in SLOW:
            item.add_marker("slow")
        if any(
            isinstance(value, str) and value == "als_spark"
            for value in getattr(item, "callspec", _NO_PARAMETERS).params.values()
        ):
            item.add_marker("spark")
    items.sort(key=lambda item: _turn(item.path))


_NO_PARAMETERS = SimpleNamespace(params={})


def _turn(file: Path) -> int:
    """In a fresh checkout one process compiles the kernels of a night; the others first do what needs none."""
    folder = file.parent.name
    if file.name == "test_nights.py":
        return 0
    return 1 if folder == "ingest" else 2 if folder in LONGEST else 3


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that does not exist yet; the settings name it."""
    folder = tmp_path / "home"
    monkeypatch.setenv("NIGHTSCHOOL_HOME", str(folder))
    monkeypatch.setenv("PREFECT_HOME", str(folder / "prefect"))
    return folder


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real data sets; tests that need it are skipped where it is missing."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get(TEST_DATA, default)).absolute()
    if not folder.is_dir():
        pytest.skip(f"there are no real data sets at {folder}; {TEST_DATA} names another folder")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of this test run; tests that need it are skipped where PostgreSQL is not installed."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _quick_mlflow() -> Iterator[None]:
    if "mlflow" not in sys.modules:
        yield
        return
    with import_module("tests.mlflow_here").quick_mlflow():  # it imports MLflow, for seconds
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_reports() -> Iterator[None]:
    """Hundreds of nights draw no report; a test that looks at it takes the fixture `reports`."""
    if "nightschool.application.attempt" not in sys.modules:
        yield
        return
    with patch("nightschool.application.attempt.report_night", return_value=""):
        yield


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nights of this process write their reports, as those of others do."""
    page = import_module("nightschool.application.night_page")
    monkeypatch.setattr("nightschool.application.attempt.report_night", page.report_night)


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """The address of a Prefect server with a database of its own; flows of this process use it."""
    with import_module("tests.prefect_server").running_server() as address:  # it imports Prefect's server, for seconds
        yield address
