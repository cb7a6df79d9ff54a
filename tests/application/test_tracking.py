import logging

import pytest
from mlflow import MlflowClient

from nightschool.application.tracking import track_end
from nightschool.settings import Settings
from nightschool.storage.nights import NightRow
from tests.night.nights import MONDAY


def runs() -> list[tuple[str, str, str | None]]:
    client = MlflowClient(Settings().tracking_uri)
    experiment = client.get_experiment_by_name("nightschool")
    found = client.search_runs([experiment.experiment_id])
    return [(run.info.run_name, run.info.status, run.data.tags.get("prefect_run")) for run in found]


def row(outcome: str) -> NightRow:
    return NightRow(as_of=MONDAY, outcome=outcome, reason="saw 'somebody'", flow_run_id="1")


def test_a_night_that_was_refused_before_it_opened_is_a_run_that_names_nobody() -> None:
    Settings().paths.root.mkdir(parents=True, exist_ok=True)
    track_end(row("data refused"), None)
    assert runs() == [("data refused 2024-05-06", "FAILED", "http://127.0.0.1:4200/runs/flow-run/1")]
    assert b"somebody" not in Settings().paths.mlflow_database.read_bytes()


def test_a_night_that_ended_well_before_it_opened_leaves_nothing() -> None:
    track_end(row("unchanged"), None)
    assert not Settings().paths.mlflow_database.exists()


@pytest.mark.parametrize("error", [OSError("gone"), ZeroDivisionError("own")])
def test_what_goes_wrong_there_does_not_fail_the_night(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("nightschool.application.tracking.Registry", fail)
    with caplog.at_level(logging.WARNING, logger="nightschool.application"):
        track_end(row("failed"), None)
    assert "MLflow does not know how this night ended" in caplog.text
