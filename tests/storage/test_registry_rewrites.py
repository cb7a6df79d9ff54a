"""Registered models that are written anew, and stores that cannot be used."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from mlflow import MlflowClient

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, VALUE, K
from nightschool.errors import Unavailable, Unreachable
from nightschool.storage.night_log import Measured, NightLog, ReleaseModel
from nightschool.storage.registry import Registry

A, B = "2024-05-01-aaaaaaaa", "2024-05-02-bbbbbbbb"
NOTHING = Measured("ease", {}, pl.DataFrame(schema=[METRIC, K, VALUE, CI_LOW, CI_HIGH]))
NIGHT = NightLog("key", A, datetime(2024, 5, 1, tzinfo=UTC), NOTHING)


CODE = """
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

class Nothing(PythonModel):
    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        return model_input

set_model(Nothing())
"""


class Models:
    """A registry with a model a release, each of which tells who is in it."""

    def __init__(self, uri: str, root: Path) -> None:
        self.root = root
        self.registry = Registry(uri, root / "mlartifacts")
        self.client = MlflowClient(uri)
        self.code = root / "code.py"
        self.code.write_text(CODE)
        self.runs = {
            release: self.registry.nights.log(replace(NIGHT, run_key=release, release_id=release)) for release in (A, B)
        }

    def register(self, release: str, people: str) -> None:
        folder = self.root / "model"
        folder.mkdir(exist_ok=True)
        (folder / "people.txt").write_text(people)
        model = ReleaseModel(release, self.code, {"model": folder}, pl.Int64(), pl.Int64(), f"The card of {release}.")
        self.registry.register(self.runs[release], model)

    def rewrite(self, change: str = "ada") -> int:
        """How many models had to be written without her."""

        def without(artifacts: Path) -> bool:
            file = artifacts / "model" / "people.txt"
            people = file.read_text()
            file.write_text(people.replace(change, ""))
            return change in people

        return self.registry.rewrite_models(without, self.root / "scratch")

    def people(self, release: str) -> str:
        """Who is in the model that is registered for the release."""
        (found,) = self.client.search_model_versions(f"name = 'nightschool' and tags.release_id = '{release}'")
        folder = self.client.download_artifacts(found.run_id, f"{found.source.rpartition('/')[2]}/artifacts/model")
        return (Path(folder) / "people.txt").read_text()

    def files(self) -> list[Path]:
        return [file for file in (self.root / "mlartifacts").rglob("*") if file.is_file()]


@pytest.fixture
def models(store: str, tmp_path: Path) -> Models:
    return Models(store, tmp_path)


def test_only_models_that_change_become_new_versions(models: Models) -> None:
    models.register(A, "ada, bob")
    models.register(B, "bob")
    models.registry.set_champion(B)
    assert models.rewrite() == 1
    assert (models.people(A), models.people(B)) == (", bob", "bob")
    assert models.registry.champion() == B
    assert not [file for file in models.files() if b"ada" in file.read_bytes() and file.suffix == ".txt"]
    assert list((models.root / "scratch").iterdir()) == []
    assert models.rewrite() == 0


def test_the_champion_is_the_new_version(models: Models) -> None:
    models.register(A, "ada, bob")
    models.registry.set_champion(A)
    assert models.rewrite() == 1
    champion = models.client.get_model_version_by_alias("nightschool", "champion")
    (only,) = models.client.search_model_versions("name = 'nightschool'")
    assert (str(champion.version), champion.tags) == (str(only.version), {"release_id": A})
    assert models.registry.prune({A}) == [A]
    assert models.files() == []


@pytest.mark.parametrize("moment", ["create_model_version", "set_registered_model_alias", "delete_model_version"])
def test_a_rewriting_that_was_killed_is_finished_by_the_next(
    models: Models, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    models.register(A, "ada, bob")
    models.registry.set_champion(A)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, moment, killed)
        with pytest.raises(KeyboardInterrupt):
            models.rewrite()
    assert models.registry.champion() == A
    models.rewrite()
    assert models.registry.champion() == A
    assert not [file for file in models.files() if file.suffix == ".txt" and b"ada" in file.read_bytes()]
    champion = models.client.get_model_version_by_alias("nightschool", "champion")
    assert models.client.list_artifacts(champion.run_id, champion.source.rpartition("/")[2])


def test_files_of_a_model_that_was_never_registered_go(models: Models) -> None:
    models.register(B, "bob")
    (models.root / "model" / "people.txt").write_text("ada")
    models.client.log_artifacts(models.runs[A], str(models.root / "model"), "model")
    models.client.log_artifacts(models.runs[A], str(models.root / "model"), "plots")
    assert models.rewrite() == 0
    assert [file.path for file in models.client.list_artifacts(models.runs[A])] == ["plots"]
    assert models.people(B) == "bob"


def test_a_version_whose_files_are_lost_stops_the_rewriting_before_it_begins(models: Models) -> None:
    models.register(A, "ada")
    models.register(B, "ada")
    shutil.rmtree(models.root / "mlartifacts" / models.runs[B])
    with pytest.raises(Unavailable, match=f"files of version 2 .*{models.runs[B]}.*restore them from a backup"):
        models.rewrite()
    assert models.people(A) == "ada"
    assert models.registry.prune({B}) == [B]
    assert models.rewrite() == 1


def test_a_pruning_that_was_killed_leaves_no_version_without_files(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    models.register(A, "ada")
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "delete_model_version", killed)
        with pytest.raises(KeyboardInterrupt):
            models.registry.prune({A})
    assert models.people(A) == "ada"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ada:s3cr3t@127.0.0.1:1", "http://127.0.0.1:1"),
        ("postgresql+psycopg://ada:s3cr3t@127.0.0.1:1/db", "postgresql+psycopg://127.0.0.1:1/db"),
        ("postgrsql://ada:s3cr3t@127.0.0.1:1/db", "postgrsql://127.0.0.1:1/db"),
    ],
)
def test_a_store_that_does_not_answer_is_told_without_its_password(
    uri: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 1)
    with pytest.raises(Unreachable) as told:
        Registry(uri, tmp_path)
    assert f"saw '{shown}'" in str(told.value)
    assert told.value.__cause__ is None
    assert "s3cr3t" not in str(told.value) + "".join(capfd.readouterr())
