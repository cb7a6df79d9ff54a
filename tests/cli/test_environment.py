import logging
import os
import warnings
from pathlib import Path

import pytest

from nightschool.cli.environment import prepare_environment, prepare_flow_run
from nightschool.errors import ConfigurationError


@pytest.fixture
def variables(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a process that knows nothing but its home."""
    known = {"NIGHTSCHOOL_HOME": str(home)}
    monkeypatch.setattr(os, "environ", known)
    return known


def test_everything_lies_below_the_home_and_nothing_is_made(variables: dict[str, str], home: Path) -> None:
    prepare_environment()
    assert variables["PREFECT_HOME"] == str(home / "prefect")
    assert not home.exists()


def test_nothing_calls_home(variables: dict[str, str]) -> None:
    prepare_environment()
    off = {"PREFECT_SERVER_ANALYTICS_ENABLED", "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY", "GX_ANALYTICS_ENABLED"}
    assert {variables[name] for name in off} == {"false"}
    assert variables["DO_NOT_TRACK"] == "1"
    assert variables["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_libraries_keep_their_small_talk(variables: dict[str, str]) -> None:
    prepare_environment()
    assert {variables[name] for name in ("PREFECT_LOGGING_LEVEL", "MLFLOW_LOGGING_LEVEL")} == {"WARNING"}
    assert variables["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] == "false"
    assert logging.getLogger("nightschool.application").isEnabledFor(logging.INFO)
    with warnings.catch_warnings(record=True) as told:
        prepare_environment()
        warnings.warn("Failed to create the Prefect home directory at x", UserWarning, stacklevel=1)
    assert told == []


def test_what_is_set_already_stays(variables: dict[str, str]) -> None:
    variables["PREFECT_LOGGING_LEVEL"] = "DEBUG"
    prepare_environment()
    assert variables["PREFECT_LOGGING_LEVEL"] == "DEBUG"


def test_relative_home_becomes_absolute_for_those_that_start_elsewhere(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    del variables["NIGHTSCHOOL_HOME"]
    prepare_environment()
    assert variables["NIGHTSCHOOL_HOME"] == str(tmp_path / ".nightschool")


def test_home_must_be_a_folder(variables: dict[str, str], home: Path) -> None:
    home.write_text("")
    with pytest.raises(ConfigurationError, match="the home is not a folder"):
        prepare_environment()


def test_settings_must_be_in_range(variables: dict[str, str]) -> None:
    variables["NIGHTSCHOOL_BLOCK_MEGABYTES"] = "0"
    with pytest.raises(ConfigurationError, match=r"NIGHTSCHOOL_BLOCK_MEGABYTES: .* saw '0'"):
        prepare_environment()


def test_runs_errors_are_left_to_us_and_prefect_finds_its_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [logging.getLogger(name) for name in ("prefect.engine", "prefect.flow_runs", "prefect.task_runs")]
    for run in runs:
        monkeypatch.setattr(run, "propagate", True)
    named = "http://127.0.0.1:4200/api"
    monkeypatch.setenv("PREFECT_API_URL", named)
    server = prepare_flow_run()
    server.start()
    server.wait()
    assert os.environ["PREFECT_API_URL"] == named
    assert not any(run.propagate for run in runs)
    assert (home / "prefect").is_dir()
