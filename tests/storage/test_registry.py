import json
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, VALUE, K
from nightschool.errors import NotFound
from nightschool.storage.mlflow_database import collect_garbage
from nightschool.storage.night_log import DataUsed, Measured, NightLog
from nightschool.storage.registry import Registry

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
A, B = "2024-05-01-aaaaaaaa", "2024-05-02-bbbbbbbb"

CODE = """
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

class Constant(PythonModel):
    def load_context(self, context):
        self.text = open(context.artifacts["model"] + "/name.txt").read()

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        return model_input.assign(item=self.text, k=params["k"])

set_model(Constant())
"""


@pytest.fixture
def registry(store: str, tmp_path: Path) -> Registry:
    return Registry(store, tmp_path / "mlartifacts")


@pytest.fixture
def client(store: str) -> MlflowClient:
    return MlflowClient(store)


@pytest.fixture
def artifacts(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "name.txt").write_text("tonight's")
    return {"model": folder}


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "code.py"
    path.write_text(CODE)
    return path


def measured(name: str, ndcg: float, **params: object) -> Measured:
    metrics = pl.DataFrame({METRIC: ["ndcg"], K: [10], VALUE: [ndcg], CI_LOW: [ndcg - 0.1], CI_HIGH: [ndcg + 0.1]})
    return Measured(name, params, metrics)


NIGHT = NightLog(
    run_key="key-a",
    release_id=A,
    as_of=NOON,
    outcome=measured("ease", 0.5, k=50, ease={"l2": 500}),
    candidates=(measured("popularity", 0.2), measured("ease", 0.4, l2=500)),
    sweep={alpha: measured(f"α={alpha}", 0.3 + alpha / 10, alpha=alpha) for alpha in (0.0, 0.5, 1.0)},
    popularity=measured("popularity", 0.2),
    data=(DataUsed("interactions", "0123456789abcdef0123", 150_000),),
    tables={"gates": pl.DataFrame({"name": ["learnable"], "passed": [True]})},
    tags={"decision": "first"},
)


def runs(client: MlflowClient) -> list[Run]:
    experiment = client.get_experiment_by_name("nightschool")
    return list(client.search_runs([experiment.experiment_id]))


def test_a_night_is_a_run_with_what_it_measured(registry: Registry, client: MlflowClient) -> None:
    run = client.get_run(registry.log_night(NIGHT))
    assert run.info.run_name == A
    assert run.info.status == "FINISHED"
    assert run.data.params == {"k": "50", "ease.l2": "500"}
    assert run.data.metrics == {"ndcg_at_10": 0.5, "ndcg_at_10_ci_low": 0.4, "ndcg_at_10_ci_high": 0.6}
    wanted = {"run_key": "key-a", "release_id": A, "as_of": NOON.isoformat(), "decision": "first", "kind": "night"}
    assert wanted.items() <= run.data.tags.items()


def test_its_children_compare_candidates_and_alphas(registry: Registry, client: MlflowClient) -> None:
    parent = registry.log_night(NIGHT)
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
    run_id = registry.log_night(NIGHT)
    (used,) = client.get_run(run_id).inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("interactions", "0123456789abcdef")
    assert json.loads(used.dataset.profile) == {"num_rows": 150_000}
    assert {file.path for file in client.list_artifacts(run_id)} == {"alpha.png", "gates.json"}
    files = tmp_path / "mlartifacts" / run_id / "artifacts"
    assert (files / "alpha.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((files / "gates.json").read_text()) == {
        "columns": ["name", "passed"],
        "data": [["learnable", True]],
    }


def test_a_night_without_a_sweep_has_no_curve(registry: Registry, client: MlflowClient) -> None:
    run_id = registry.log_night(replace(NIGHT, sweep={}, popularity=None, tables={}, data=()))
    assert client.list_artifacts(run_id) == []


def test_the_same_night_is_there_once_as_it_was_logged_last(registry: Registry, client: MlflowClient) -> None:
    first = registry.log_night(NIGHT)
    again = registry.log_night(replace(NIGHT, tags={"decision": "kept"}))
    assert again != first
    assert len(runs(client)) == 6
    assert client.get_run(again).data.tags["decision"] == "kept"


def test_a_night_that_was_interrupted_is_logged_anew(
    registry: Registry, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "_log_curve", stop)
        with pytest.raises(KeyboardInterrupt):
            registry.log_night(NIGHT)
    run = client.get_run(registry.log_night(NIGHT))
    assert run.info.status == "FINISHED"
    assert len(runs(client)) == 6
    other = registry.log_night(replace(NIGHT, run_key="key-b", release_id=B))
    assert other != run.info.run_id
    assert len(runs(client)) == 12


def test_a_registered_model_belongs_to_its_release(
    registry: Registry, client: MlflowClient, code: Path, artifacts: dict[str, Path]
) -> None:
    run_id = registry.log_night(NIGHT)
    registry.register(run_id, A, code, artifacts, pl.Int64())
    version = registry.register(run_id, A, code, artifacts, pl.Int64())
    (found,) = client.search_model_versions("name = 'nightschool'")
    assert (str(found.version), found.run_id, found.tags) == (version, run_id, {"release_id": A})
    assert found.status == "READY"
    stored = {file.path for file in client.list_artifacts(run_id, "model")}
    assert {"model/MLmodel", "model/code.py", "model/artifacts"} <= stored
    assert not [name for name in stored if name.endswith("pkl")]


def test_the_champion_follows_the_pointer(registry: Registry, code: Path, artifacts: dict[str, Path]) -> None:
    assert registry.champion() is None
    assert registry.reconcile(None)
    for release_id in (A, B):
        registry.register(
            registry.log_night(replace(NIGHT, run_key=release_id)), release_id, code, artifacts, pl.Int64()
        )
    assert registry.champion() is None
    assert registry.set_champion(A) == "1"
    assert registry.champion() == A
    assert registry.reconcile(B)
    assert registry.champion() == B


def test_a_release_without_a_model_cannot_be_champion(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotFound, match=f"no registered model makes this release; saw '{A}'"):
        registry.set_champion(A)
    assert not registry.reconcile(A)
    assert f"saw '{A}'" in caplog.text


def test_models_of_releases_that_are_gone_go_too(
    registry: Registry, client: MlflowClient, code: Path, artifacts: dict[str, Path]
) -> None:
    ids = {}
    for release_id in (A, B):
        ids[release_id] = registry.log_night(replace(NIGHT, run_key=release_id))
        registry.register(ids[release_id], release_id, code, artifacts, pl.Int64())
    registry.set_champion(B)
    assert registry.prune({A}) == [A]
    assert registry.prune({A}) == []
    assert {file.path for file in client.list_artifacts(ids[A])} == {"alpha.png", "gates.json"}
    assert client.list_artifacts(ids[B], "model")
    assert registry.champion() == B


def test_everything_lies_where_it_was_told(registry: Registry, store: str, tmp_path: Path) -> None:
    registry.log_night(NIGHT)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        assert database.execute("select count(*) from runs").fetchone() == (6,)
    database.close()
    assert Registry(store, tmp_path / "elsewhere" / "mlartifacts").log_night(NIGHT)
    assert not (tmp_path / "elsewhere").exists()


def test_a_database_that_was_never_finished_is_made_anew(
    empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "home" / "mlflow.db"

    def killed(uri: str, **_: str) -> None:
        Path(uri.removeprefix("sqlite:///")).write_bytes(b"half a database")
        raise KeyboardInterrupt

    def quick(uri: str, **named: str) -> MlflowClient:
        if not path.exists():
            shutil.copy(empty_store, uri.removeprefix("sqlite:///"))
        return MlflowClient(uri, **named)

    monkeypatch.setattr("nightschool.storage.mlflow_database.MlflowClient", killed)
    with pytest.raises(KeyboardInterrupt):
        Registry(f"sqlite:///{path}", tmp_path / "mlartifacts")
    assert not path.exists()
    monkeypatch.setattr("nightschool.storage.mlflow_database.MlflowClient", quick)
    assert Registry(f"sqlite:///{path}", tmp_path / "mlartifacts").champion() is None
    assert path.exists()


def test_a_database_that_somebody_else_made_meanwhile_stays(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = Registry(store, tmp_path / "mlartifacts").log_night(NIGHT)
    path = tmp_path / "mlflow.db"
    theirs = path.rename(tmp_path / "theirs.db")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def late(uri: str, **named: str) -> MlflowClient:
        if not path.exists():
            shutil.copy(theirs, uri.removeprefix("sqlite:///"))
            theirs.rename(path)
        return MlflowClient(uri, **named)

    monkeypatch.setattr("nightschool.storage.mlflow_database.MlflowClient", late)
    before = theirs.stat().st_ino
    Registry(store, tmp_path / "mlartifacts")
    assert path.stat().st_ino == before
    assert MlflowClient(store).get_run(run_id).info.run_id == run_id
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cache", "mlartifacts", "mlflow.db"]


def test_runs_of_old_nights_go_for_good_unless_their_release_is_kept(
    registry: Registry, client: MlflowClient, store: str, tmp_path: Path
) -> None:
    kept, old = registry.log_night(NIGHT), registry.log_night(replace(NIGHT, run_key="key-b", release_id=B))
    assert registry.forget_runs({A}, datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert registry.forget_runs({A}, datetime.now(UTC) + timedelta(days=1)) == 1
    collect_garbage(store)
    assert {run.info.run_id for run in runs(client) if run.data.tags["kind"] == "night"} == {kept}
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        assert database.execute("select count(*) from runs").fetchone() == (6,)
    database.close()
    assert not (tmp_path / "mlartifacts" / old).exists() or not list((tmp_path / "mlartifacts" / old).rglob("*.json"))
