import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from nightschool.errors import Unreachable
from nightschool.storage.mlflow_database import collect_garbage
from nightschool.storage.night_log import NightEnd
from nightschool.storage.night_runs import NightRuns
from nightschool.storage.registry import Registry
from tests.storage.logged import NIGHT, NOON, A, B


def runs(client: MlflowClient) -> list[Run]:
    experiment = client.get_experiment_by_name("nightschool")
    return list(client.search_runs([experiment.experiment_id]))


def test_a_night_is_a_run_with_what_it_measured(registry: Registry, client: MlflowClient) -> None:
    run = client.get_run(registry.nights.log(NIGHT))
    assert run.info.run_name == A
    assert run.info.status == "FINISHED"
    assert run.data.params == {"k": "50", "ease.l2": "500"}
    values = {name: value for name, value in run.data.metrics.items() if not name.startswith("alpha/")}
    assert values == {"ndcg_at_10": 0.5, "ndcg_at_10_ci_low": 0.4, "ndcg_at_10_ci_high": 0.6}
    wanted = {"run_key": "key-a", "release_id": A, "as_of": NOON.isoformat(), "decision": "first", "kind": "night"}
    assert wanted.items() <= run.data.tags.items()


def test_its_children_compare_candidates_and_alphas(registry: Registry, client: MlflowClient) -> None:
    parent = registry.nights.log(NIGHT)
    children = [run for run in runs(client) if run.data.tags.get("mlflow.parentRunId") == parent]
    assert {run.info.status for run in children} == {"FINISHED"}
    candidates = {run.info.run_name: run for run in children if run.data.tags["kind"] == "candidate"}
    assert {name: run.data.metrics["ndcg_at_10"] for name, run in candidates.items()} == {
        "popularity": 0.2,
        "ease": 0.4,
    }
    alphas = [run for run in children if run.data.tags["kind"] == "alpha"]
    curve = {float(run.data.params["alpha"]): run.data.metrics["ndcg_at_10"] for run in alphas}
    assert curve == pytest.approx({0.0: 0.3, 0.5: 0.35, 1.0: 0.4})


def test_its_data_figure_and_tables_can_be_looked_at(registry: Registry, client: MlflowClient, tmp_path: Path) -> None:
    run_id = registry.nights.log(NIGHT)
    (used,) = client.get_run(run_id).inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("interactions", "0123456789abcdef")
    assert json.loads(used.dataset.profile) == {"num_rows": 150_000}
    assert {file.path for file in client.list_artifacts(run_id)} == {"alpha.html", "alpha.png", "gates.json"}
    files = tmp_path / "mlartifacts" / run_id / "artifacts"
    assert (files / "alpha.png").read_bytes() == b"a picture"
    assert json.loads((files / "gates.json").read_text()) == {
        "columns": ["name", "passed"],
        "data": [["learnable", True]],
    }


def test_the_curve_has_a_step_for_each_hundredth_of_alpha(registry: Registry, client: MlflowClient) -> None:
    run_id = registry.nights.log(NIGHT)
    curves = {
        end: [(each.step, each.value) for each in client.get_metric_history(run_id, f"alpha/ndcg_at_10{end}")]
        for end in ("", "_ci_low", "_ci_high")
    }
    assert curves[""] == [(0, 0.3), (50, 0.35), (100, 0.4)]
    assert curves["_ci_low"] == [(0, pytest.approx(0.2)), (50, pytest.approx(0.25)), (100, pytest.approx(0.3))]
    assert curves["_ci_high"] == [(0, pytest.approx(0.4)), (50, pytest.approx(0.45)), (100, pytest.approx(0.5))]


def test_curves_of_trainings_are_metrics_by_step_however_many(registry: Registry, client: MlflowClient) -> None:
    curves = {
        "refit/sasrec/loss": [(1, 0.5), (2, 0.25)],
        "select/sasrec/loss": [(step, 1 / step) for step in range(1, 1501)],
    }
    run_id = registry.nights.log(replace(NIGHT, curves=curves))
    for name, points in curves.items():
        logged = client.get_metric_history(run_id, f"training/{name}")
        assert [(each.step, each.value) for each in logged] == points


def test_a_night_and_the_experiment_are_described_with_the_picture(registry: Registry, client: MlflowClient) -> None:
    run_id = registry.nights.log(replace(NIGHT, description="**first**: {no format}."))
    note = client.get_run(run_id).data.tags["mlflow.note.content"]
    assert note.startswith("**first**: {no format}.")
    assert f"(get-artifact?path=alpha.png&run_uuid={run_id})" in note
    assert "alpha.html" not in note
    experiment = client.get_experiment_by_name("nightschool")
    assert "Every run is one night" in experiment.tags["mlflow.note.content"]


def ending(outcome: str, *, refused: bool, run_key: str | None = "key-a") -> NightEnd:
    return NightEnd(run_key, NOON, outcome, refused, {"prefect_run": "http://127.0.0.1:4200/runs/1"})


def test_a_night_that_ended_says_how_and_where_it_ran(registry: Registry, client: MlflowClient) -> None:
    run_id = registry.nights.log(NIGHT)
    registry.nights.close(ending("published", refused=False))
    run = client.get_run(run_id)
    wanted = {"outcome": "published", "prefect_run": "http://127.0.0.1:4200/runs/1"}
    assert wanted.items() <= run.data.tags.items()
    assert run.info.status == "FINISHED"


def test_the_report_of_a_night_is_shown_among_its_files(registry: Registry, client: MlflowClient) -> None:
    run_id = registry.nights.log(NIGHT)
    assert registry.nights.close(ending("published", refused=False)) is None
    page = registry.nights.close(replace(ending("published", refused=False), report="<p>α</p>"))
    assert page == f"/#/experiments/{client.get_run(run_id).info.experiment_id}/runs/{run_id}/artifacts/report.html"
    files = registry.nights.files(run_id)
    assert "report.html" in {file.path for file in files.list_artifacts()}
    assert Path(files.download_artifacts("report.html")).read_text() == "<p>α</p>"


def test_a_night_that_was_refused_at_its_end_has_failed(registry: Registry, client: MlflowClient) -> None:
    run_id = registry.nights.log(NIGHT)
    registry.nights.close(ending("gate refused", refused=True))
    run = client.get_run(run_id)
    assert run.info.status == "FAILED"
    assert run.data.tags["mlflow.note.content"].startswith("**gate refused**. `nightschool nights`")
    assert len(runs(client)) == 6


@pytest.mark.parametrize("run_key", [None, "key-b"])
def test_a_night_that_was_refused_before_it_was_logged_is_a_run(
    registry: Registry, client: MlflowClient, run_key: str | None
) -> None:
    registry.nights.close(ending("data refused", refused=True, run_key=run_key))
    (run,) = runs(client)
    assert (run.info.run_name, run.info.status) == ("data refused 2024-05-01", "FAILED")
    assert run.data.tags["kind"] == "night"
    assert registry.nights.forget(set(), datetime.now(UTC) + timedelta(days=1)) == 1


def test_a_night_that_was_not_logged_and_not_refused_leaves_nothing(registry: Registry, client: MlflowClient) -> None:
    registry.nights.close(ending("unchanged", refused=False))
    assert runs(client) == []


def test_a_store_that_is_gone_is_unreachable(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MlflowException("postgresql://user:secret@host")

    monkeypatch.setattr(NightRuns, "find", refuse)
    with pytest.raises(Unreachable, match="MLflow's store cannot be used") as caught:
        registry.nights.close(ending("published", refused=False))
    assert "secret" not in str(caught.value)


def test_a_night_without_a_sweep_has_no_curve(registry: Registry, client: MlflowClient) -> None:
    run_id = registry.nights.log(replace(NIGHT, sweep={}, pictures={}, tables={}, data=()))
    assert client.list_artifacts(run_id) == []


def test_the_same_night_is_there_once_as_it_was_logged_last(registry: Registry, client: MlflowClient) -> None:
    first = registry.nights.log(NIGHT)
    again = registry.nights.log(replace(NIGHT, tags={"decision": "kept"}))
    assert again != first
    assert len(runs(client)) == 6
    assert client.get_run(again).data.tags["decision"] == "kept"


def test_a_night_that_was_interrupted_is_logged_anew(
    registry: Registry, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(NightRuns, "_log_curve", stop)
        with pytest.raises(KeyboardInterrupt):
            registry.nights.log(NIGHT)
    run = client.get_run(registry.nights.log(NIGHT))
    assert run.info.status == "FINISHED"
    assert len(runs(client)) == 6
    other = registry.nights.log(replace(NIGHT, run_key="key-b", release_id=B))
    assert other != run.info.run_id
    assert len(runs(client)) == 12


def test_runs_of_old_nights_go_for_good_unless_their_release_is_kept(
    registry: Registry, client: MlflowClient, store: str, tmp_path: Path
) -> None:
    kept, old = registry.nights.log(NIGHT), registry.nights.log(replace(NIGHT, run_key="key-b", release_id=B))
    assert registry.nights.forget({A}, datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert registry.nights.forget({A}, datetime.now(UTC) + timedelta(days=1)) == 1
    collect_garbage(store)
    assert {run.info.run_id for run in runs(client) if run.data.tags["kind"] == "night"} == {kept}
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        assert database.execute("select count(*) from runs").fetchone() == (6,)
    database.close()
    assert not (tmp_path / "mlartifacts" / old).exists() or not list((tmp_path / "mlartifacts" / old).rglob("*.json"))
