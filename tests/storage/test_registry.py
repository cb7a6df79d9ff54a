import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.models import Model

from nightschool.errors import NotFound
from nightschool.storage.night_log import ReleaseModel
from nightschool.storage.registry import Registry
from tests.storage.logged import NIGHT, A, B

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


def register(registry: Registry, run_id: str, release_id: str, code: Path, artifacts: dict[str, Path]) -> str:
    return registry.register(run_id, ReleaseModel(release_id, code, artifacts, pl.Int64(), pl.String(), "A card."))


def runs(client: MlflowClient) -> list[Run]:
    experiment = client.get_experiment_by_name("nightschool")
    return list(client.search_runs([experiment.experiment_id]))


def test_a_registered_model_belongs_to_its_release(
    registry: Registry, client: MlflowClient, code: Path, artifacts: dict[str, Path]
) -> None:
    run_id = registry.nights.log(NIGHT)
    register(registry, run_id, A, code, artifacts)
    version = register(registry, run_id, A, code, artifacts)
    (found,) = client.search_model_versions("name = 'nightschool'")
    assert (str(found.version), found.run_id, found.tags) == (version, run_id, {"release_id": A})
    assert (found.status, found.description) == ("READY", "A card.")
    assert "model card" in client.get_registered_model("nightschool").description
    stored = {file.path for file in client.list_artifacts(run_id, "model")}
    assert {"model/MLmodel", "model/code.py", "model/artifacts"} <= stored
    assert not [name for name in stored if name.endswith("pkl")]
    saved = Model.load(artifacts["model"].parent / "mlartifacts" / run_id / "artifacts" / "model")
    assert saved.signature.outputs.input_names() == ["user_id", "item_id", "rank", "score"]
    assert saved.saved_input_example_info is not None


def test_the_champion_follows_the_pointer(registry: Registry, code: Path, artifacts: dict[str, Path]) -> None:
    assert registry.champion() is None
    assert registry.reconcile(None)
    for release_id in (A, B):
        run_id = registry.nights.log(replace(NIGHT, run_key=release_id))
        register(registry, run_id, release_id, code, artifacts)
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
        ids[release_id] = registry.nights.log(replace(NIGHT, run_key=release_id))
        register(registry, ids[release_id], release_id, code, artifacts)
    registry.set_champion(B)
    assert registry.prune({A}) == [A]
    assert registry.prune({A}) == []
    assert {file.path for file in client.list_artifacts(ids[A])} == {"alpha.html", "alpha.png", "gates.json"}
    assert client.list_artifacts(ids[B], "model")
    assert registry.champion() == B


def test_everything_lies_where_it_was_told(registry: Registry, store: str, tmp_path: Path) -> None:
    registry.nights.log(NIGHT)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        assert database.execute("select count(*) from runs").fetchone() == (6,)
    database.close()
    assert Registry(store, tmp_path / "elsewhere" / "mlartifacts").nights.log(NIGHT)
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
    run_id = Registry(store, tmp_path / "mlartifacts").nights.log(NIGHT)
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
