"""The nights in MLflow: runs to compare, and the models that were published."""

import json
import logging
import os
import warnings
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time_ns
from uuid import uuid4

import polars as pl

# MLflow reads it as it is imported: nothing calls home.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

with warnings.catch_warnings():
    # MLflow warns about type hints of its own.
    warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType", category=UserWarning)
    import mlflow.pyfunc

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS, MLFLOW_PARENT_RUN_ID
from sqlalchemy.exc import SQLAlchemyError

from nightschool.columns import AS_OF, RELEASE_ID, RUN_KEY, USER_ID
from nightschool.errors import NotFound, Unavailable, Unreachable
from nightschool.sqlite import sqlite_path
from nightschool.storage.alpha_curve import draw_alpha_curve
from nightschool.storage.mlflow_addresses import NAME, relocate
from nightschool.storage.mlflow_database import find_experiment, make_database
from nightschool.storage.night_log import DataUsed, Measured, NightLog
from nightschool.storage.tracking_uri import hand_over_credentials, without_credentials

CHAMPION = "champion"

_MODEL_FOLDER = "model"
_KIND = "kind"
_DECISIVE = ("ndcg", 10)
_LONGEST_PARAM = 6000

logger = logging.getLogger("nightschool.registry")


class Registry:
    """The experiment and the registered model called `nightschool` in one MLflow store.

    Raises:
        Unreachable: The store does not answer, or is none.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path) -> None:
        database = sqlite_path(tracking_uri)
        if database is not None:
            make_database(database)
            relocate(database, artifact_root)
        uri = hand_over_credentials(tracking_uri)
        try:
            self._client = MlflowClient(uri, registry_uri=uri)
            self._experiment = find_experiment(self._client, uri, artifact_root)
        except (MlflowException, SQLAlchemyError) as error:
            # Not a word of theirs, and no chain: they repeat the URI, and with it a password.
            what, seen = f"MLflow's store cannot be used ({type(error).__name__})", without_credentials(uri)
            raise Unreachable(what, seen=seen, do="start it, or correct its URI") from None

    def log_night(self, night: NightLog) -> str:
        """Log a night as a run with one child for each candidate and α; return the run's id.

        What an earlier try of the same night logged is removed: its verdict may have been another.
        """
        for run in self._runs(f"tags.{RUN_KEY} = '{night.run_key}'"):
            self._remove(run)
        tags = {RUN_KEY: night.run_key, RELEASE_ID: night.release_id, AS_OF: night.as_of.isoformat(), **night.tags}
        run_id = self._log(night.outcome, {_KIND: "night", **tags}, name=night.release_id)
        self._client.log_inputs(run_id, [_dataset_input(table) for table in night.data])
        self._log_tables(run_id, night.tables)
        for kind, tried in (("candidate", night.candidates), ("alpha", night.sweep.values())):
            for measured in tried:
                child = self._log(measured, {_KIND: kind, MLFLOW_PARENT_RUN_ID: run_id}, name=measured.name)
                self._client.set_terminated(child)
        self._log_curve(run_id, night)
        self._client.set_terminated(run_id)
        return run_id

    def register(
        self, run_id: str, release_id: str, code: Path, artifacts: Mapping[str, Path], user_id: pl.DataType
    ) -> str:
        """Register the model of a release; return its version. An earlier version of the same release is deleted.

        Args:
            run_id: The night's run, which holds the files.
            release_id: The release that the model belongs to.
            code: A Python file that calls `mlflow.models.set_model`.
            artifacts: What that file finds in `context.artifacts`, by name.
            user_id: The dtype of external user ids.
        """
        for known in self._versions(release_id):
            self._client.delete_model_version(NAME, str(known.version))
        with TemporaryDirectory() as folder:
            saved = Path(folder) / _MODEL_FOLDER
            _save_model(saved, code, artifacts, user_id)
            self._files(run_id).log_artifacts(str(saved), _MODEL_FOLDER)
        if not self._client.search_registered_models(f"name = '{NAME}'"):
            self._client.create_registered_model(NAME)
        return self._make_version(run_id, _MODEL_FOLDER, release_id)

    def set_champion(self, release_id: str) -> str:
        """Point the alias `champion` to the model of a release; return its version.

        Raises:
            NotFound: No version was registered for the release.
        """
        version = next((str(found.version) for found in self._versions(release_id)), None)
        if version is None:
            raise NotFound("no registered model makes this release", seen=release_id, do="register it first")
        self._client.set_registered_model_alias(NAME, CHAMPION, version)
        return version

    def champion(self) -> str | None:
        """Return the release whose model the alias `champion` points to; None without one."""
        try:
            found = self._client.get_model_version_by_alias(NAME, CHAMPION)
        except MlflowException as error:
            if error.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
                return None
            raise
        return str(found.tags[RELEASE_ID])

    def reconcile(self, current: str | None) -> bool:
        """Point the alias `champion` to the model of the current release; return whether it does now.

        It cannot when that model was never registered here, as in a store that was lost; a warning says so.
        """
        if current is None or self.champion() == current:
            return True
        try:
            self.set_champion(current)
        except NotFound as error:
            logger.warning("the alias %s stays where it is: %s", CHAMPION, error)
            return False
        return True

    def prune(self, gone: Collection[str]) -> list[str]:
        """Delete the models of releases whose tables are gone, files included; return these releases."""
        known = self._client.search_model_versions(f"name = '{NAME}'")
        for found in (unneeded := [each for each in known if each.tags.get(RELEASE_ID) in gone]):
            # In this order: a version always has its files.
            self._client.delete_model_version(NAME, str(found.version))
            self._remove_files(found.run_id, _folder_of(found))
        return sorted(found.tags[RELEASE_ID] for found in unneeded)

    def forget_runs(self, kept: Collection[str], before: datetime) -> int:
        """Return how many nights before an instant lost their runs, children included: their release is not kept."""
        started = f"tags.{_KIND} = 'night' and attributes.start_time < {int(before.timestamp() * 1000)}"
        old = [run for run in self._runs(started) if run.data.tags.get(RELEASE_ID) not in kept]
        for run in old:
            self._remove(run)
        return len(old)

    def rewrite_models(self, rewrite: Callable[[Path], bool], scratch: Path) -> int:
        """Rewrite the registered models; return how many changed. Readers get the old model or the new one, whole.

        Args:
            rewrite: Changes the folder of a model's artifacts in place, or says that there is nothing to change.
            scratch: Where the folders may be for as long as this takes.

        Raises:
            Unavailable: The files of a registered model are not where they should be; nothing was written.
        """
        versions = self.require_files()
        scratch.mkdir(parents=True, exist_ok=True)
        self._remove_unregistered({str(found.source) for found in versions})
        return sum(self._rewrite(found, rewrite, scratch) for found in versions)

    def require_files(self) -> list[ModelVersion]:
        """Return every version of the registered model, each with its files.

        Raises:
            Unavailable: One has none, so it is unknown which users it holds.
        """
        versions = list(self._client.search_model_versions(f"name = '{NAME}'"))
        for found in versions:
            if not self._files(found.run_id).list_artifacts(_folder_of(found)):
                seen = f"{self._client.get_run(found.run_id).info.artifact_uri}/{_folder_of(found)}"
                what = f"the files of version {found.version} of the registered model {NAME} are gone"
                raise Unavailable(what, seen=seen, do="restore them from a backup, or delete that version in MLflow")
        return versions

    def _rewrite(self, found: ModelVersion, rewrite: Callable[[Path], bool], scratch: Path) -> bool:
        """Replace a version by a rewritten one in a folder of its own; return whether there was anything to change."""
        files, folder = self._files(found.run_id), f"{_MODEL_FOLDER}-{uuid4().hex}"
        with TemporaryDirectory(dir=scratch) as place:
            saved = Path(files.download_artifacts(_folder_of(found), place))
            if not rewrite(saved / "artifacts"):
                return False
            files.log_artifacts(str(saved), folder)
        made = self._make_version(found.run_id, folder, found.tags[RELEASE_ID])
        if self.champion() == found.tags[RELEASE_ID]:
            self._client.set_registered_model_alias(NAME, CHAMPION, made)
        # In this order: the files of a version that is gone are found by the next try.
        self._client.delete_model_version(NAME, str(found.version))
        self._remove_files(found.run_id, _folder_of(found))
        return True

    def _make_version(self, run_id: str, folder: str, release_id: str) -> str:
        made = self._client.create_model_version(
            NAME, f"runs:/{run_id}/{folder}", run_id, tags={RELEASE_ID: release_id}
        )
        return str(made.version)

    def _remove_unregistered(self, sources: Collection[str]) -> None:
        """Delete the files of models that no version names: their night was killed before it registered them."""
        for run in self._runs(f"tags.{_KIND} = 'night'"):
            for entry in self._files(run.info.run_id).list_artifacts():
                is_model = entry.is_dir and entry.path.startswith(_MODEL_FOLDER)
                if is_model and f"runs:/{run.info.run_id}/{entry.path}" not in sources:
                    self._remove_files(run.info.run_id, entry.path)

    def _runs(self, condition: str) -> list[Run]:
        return list(self._client.search_runs([self._experiment], condition))

    def _versions(self, release_id: str) -> list[ModelVersion]:
        return list(self._client.search_model_versions(f"name = '{NAME}' and tags.{RELEASE_ID} = '{release_id}'"))

    def _log(self, measured: Measured, tags: Mapping[str, str], name: str) -> str:
        run = self._client.create_run(self._experiment, tags=dict(tags), run_name=name)
        now = time_ns() // 1_000_000
        metrics = [Metric(key, value, now, 0) for key, value in measured.numbers().items()]
        params = [Param(key, value[:_LONGEST_PARAM]) for key, value in measured.flat_params().items()]
        self._client.log_batch(run.info.run_id, metrics, params)
        return str(run.info.run_id)

    def _log_tables(self, run_id: str, tables: Mapping[str, pl.DataFrame]) -> None:
        """Log tables in the form that MLflow's pages show as tables."""
        for name, frame in tables.items():
            shown = {"columns": frame.columns, "data": [list(row.values()) for row in json.loads(frame.write_json())]}
            self._client.log_dict(run_id, shown, f"{name}.json")
        logged = json.dumps([{"path": f"{name}.json", "type": "table"} for name in tables])
        self._client.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, logged)

    def _log_curve(self, run_id: str, night: NightLog) -> None:
        means = {alpha: measured.mean(*_DECISIVE) for alpha, measured in night.sweep.items()}
        drawn = {alpha: mean for alpha, mean in means.items() if mean is not None}
        if drawn:
            reference = night.popularity.mean(*_DECISIVE) if night.popularity else None
            self._client.log_figure(run_id, draw_alpha_curve(drawn, reference, "{}@{}".format(*_DECISIVE)), "alpha.png")

    def _remove(self, run: Run) -> None:
        for child in self._runs(f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run.info.run_id}'"):
            self._client.delete_run(child.info.run_id)
        self._remove_files(run.info.run_id)
        self._client.delete_run(run.info.run_id)

    def _remove_files(self, run_id: str, folder: str | None = None) -> None:
        files = self._files(run_id)
        if files.list_artifacts(folder):
            files.delete_artifacts(folder)

    def _files(self, run_id: str) -> ArtifactRepository:
        """Return what reads and writes the run's files; the client would remember those of a copied home's original."""
        uri, store = self._client.get_run(run_id).info.artifact_uri, self._client.tracking_uri
        return get_artifact_repository(uri, tracking_uri=store)


def _folder_of(found: ModelVersion) -> str:
    """Return the folder of a version's files among the artifacts of its run."""
    return str(found.source).rpartition("/")[2]


def _dataset_input(table: DataUsed) -> DatasetInput:
    source, profile = json.dumps({"table": table.name}), json.dumps({"num_rows": table.rows})
    described = Dataset(table.name, table.fingerprint[:16], "delta_table", source, profile=profile)
    return DatasetInput(described, [InputTag("mlflow.data.context", "training")])


def _save_model(folder: Path, code: Path, artifacts: Mapping[str, Path], user_id: pl.DataType) -> None:
    signature = ModelSignature(
        inputs=Schema([ColSpec("long" if user_id == pl.Int64 else "string", USER_ID)]),
        params=ParamSchema([ParamSpec("k", "integer", 50)]),
    )
    with warnings.catch_warnings():
        # An example would be the id of a person.
        warnings.filterwarnings("ignore", message=".*input example was not provided", category=UserWarning)
        mlflow.pyfunc.save_model(
            folder,
            python_model=str(code),
            artifacts={name: str(path) for name, path in artifacts.items()},
            pip_requirements=[f"nightschool=={version('nightschool')}"],
            signature=signature,
        )
