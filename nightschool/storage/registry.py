"""What MLflow shows of the nights: runs to compare, and the models that were published."""

import json
import logging
import os
import warnings
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
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
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS, MLFLOW_PARENT_RUN_ID
from sqlalchemy.exc import SQLAlchemyError

from nightschool.columns import AS_OF, RELEASE_ID, RUN_KEY, USER_ID
from nightschool.errors import NotFound, Unreachable
from nightschool.storage.alpha_curve import draw_alpha_curve
from nightschool.storage.durable import sync
from nightschool.storage.night_log import DataUsed, Measured, NightLog
from nightschool.storage.tracking_uri import hand_over_credentials, without_credentials

NAME = "nightschool"
CHAMPION = "champion"

_MODEL_FOLDER = "model"
_KIND = "kind"
_DECISIVE = ("ndcg", 10)
_LONGEST_PARAM = 6000
_SQLITE = "sqlite:///"

logger = logging.getLogger("nightschool.registry")


class Registry:
    """The experiment and the registered model called `nightschool` in one MLflow store.

    Raises:
        Unreachable: The store does not answer, or is none.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path) -> None:
        if tracking_uri.startswith(_SQLITE):
            _make_database(Path(tracking_uri.removeprefix(_SQLITE)))
        uri = hand_over_credentials(tracking_uri)
        try:
            self._client = MlflowClient(uri, registry_uri=uri)
            self._experiment = _find_experiment(self._client, uri, artifact_root)
        except (MlflowException, SQLAlchemyError) as error:
            # Not a word of theirs, and no chain: they repeat the URI, and with it a password.
            what, do = f"MLflow's store cannot be used ({type(error).__name__})", "start it, or correct its URI"
            raise Unreachable(what, seen=without_credentials(uri), do=do) from None

    def log_night(self, night: NightLog) -> str:
        """The id of the night's run, which holds a child a candidate, a child a trial and a child an α.

        What an earlier try of the same night logged is removed: its verdict may have been another.
        """
        for run in self._runs(f"tags.{RUN_KEY} = '{night.run_key}'"):
            self._remove(run)
        tags = {RUN_KEY: night.run_key, RELEASE_ID: night.release_id, AS_OF: night.as_of.isoformat(), **night.tags}
        run_id = self._log(night.outcome, {_KIND: "night", **tags}, name=night.release_id)
        self._client.log_inputs(run_id, [_dataset_input(table) for table in night.data])
        self._log_tables(run_id, night.tables)
        for kind, tried in (("candidate", night.candidates), ("trial", night.trials), ("alpha", night.sweep.values())):
            for measured in tried:
                child = self._log(measured, {_KIND: kind, MLFLOW_PARENT_RUN_ID: run_id}, name=measured.name)
                self._client.set_terminated(child)
        self._log_curve(run_id, night)
        self._client.set_terminated(run_id)
        return run_id

    def register(
        self, run_id: str, release_id: str, code: Path, artifacts: Mapping[str, Path], user_id: pl.DataType
    ) -> str:
        """The version of the registered model that makes this release's lists; an earlier one of the same release goes.

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
            self._client.log_artifacts(run_id, str(saved), _MODEL_FOLDER)
        if not self._client.search_registered_models(f"name = '{NAME}'"):
            self._client.create_registered_model(NAME)
        return self._make_version(run_id, _MODEL_FOLDER, release_id)

    def set_champion(self, release_id: str) -> str:
        """The version of this release, to which the alias `champion` now points.

        Raises:
            NotFound: No version was registered for the release.
        """
        known = self._versions(release_id)
        if not known:
            raise NotFound("no registered model makes this release", seen=release_id, do="register it first")
        self._client.set_registered_model_alias(NAME, CHAMPION, str(known[0].version))
        return str(known[0].version)

    def champion(self) -> str | None:
        """The release whose model the alias `champion` points to; None without one."""
        try:
            found = self._client.get_model_version_by_alias(NAME, CHAMPION)
        except MlflowException as error:
            if error.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
                return None
            raise
        return str(found.tags[RELEASE_ID])

    def reconcile(self, current: str | None) -> bool:
        """Whether the alias `champion` now points to the model of the current release, as the pointer says.

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
        """The releases whose model was removed now, files included, because their tables are gone."""
        removed = []
        for found in self._client.search_model_versions(f"name = '{NAME}'"):
            if found.tags.get(RELEASE_ID) in gone:
                self._remove_files(self._client.get_run(found.run_id), _folder_of(found))
                self._client.delete_model_version(NAME, str(found.version))
                removed.append(found.tags[RELEASE_ID])
        return sorted(removed)

    def rewrite_models(self, rewrite: Callable[[Path], bool], scratch: Path) -> int:
        """How many models were written anew; whoever loads one meanwhile gets the old one or the new one, whole.

        Args:
            rewrite: Changes the folder of a model's artifacts in place, or says that there is nothing to change.
            scratch: Where the folders may be for as long as this takes.
        """
        scratch.mkdir(parents=True, exist_ok=True)
        versions = list(self._client.search_model_versions(f"name = '{NAME}'"))
        self._remove_unregistered({str(found.source) for found in versions})
        return sum(self._rewrite(found, rewrite, scratch) for found in versions)

    def _rewrite(self, found: ModelVersion, rewrite: Callable[[Path], bool], scratch: Path) -> bool:
        """Whether the version had to give way to a new one, from a folder of its own."""
        if not self._client.list_artifacts(found.run_id, _folder_of(found)):
            return False
        folder = f"{_MODEL_FOLDER}-{uuid4().hex}"
        with TemporaryDirectory(dir=scratch) as place:
            saved = Path(self._client.download_artifacts(found.run_id, _folder_of(found), place))
            if not rewrite(saved / "artifacts"):
                return False
            self._client.log_artifacts(found.run_id, str(saved), folder)
        made = self._make_version(found.run_id, folder, found.tags[RELEASE_ID])
        if self.champion() == found.tags[RELEASE_ID]:
            self._client.set_registered_model_alias(NAME, CHAMPION, made)
        # In this order: the files of a version that is gone are found by the next try.
        self._client.delete_model_version(NAME, str(found.version))
        self._remove_files(self._client.get_run(found.run_id), _folder_of(found))
        return True

    def _make_version(self, run_id: str, folder: str, release_id: str) -> str:
        source, tags = f"runs:/{run_id}/{folder}", {RELEASE_ID: release_id}
        return str(self._client.create_model_version(NAME, source, run_id, tags=tags).version)

    def _remove_unregistered(self, sources: Collection[str]) -> None:
        """Removes the files of models that no version names: their night was killed before it registered them."""
        for run in self._runs(f"tags.{_KIND} = 'night'"):
            for entry in self._client.list_artifacts(run.info.run_id):
                is_model = entry.is_dir and entry.path.startswith(_MODEL_FOLDER)
                if is_model and f"runs:/{run.info.run_id}/{entry.path}" not in sources:
                    self._remove_files(run, entry.path)

    def _runs(self, condition: str) -> list[Run]:
        return list(self._client.search_runs([self._experiment], condition))

    def _versions(self, release_id: str) -> list[ModelVersion]:
        return list(self._client.search_model_versions(f"name = '{NAME}' and tags.{RELEASE_ID} = '{release_id}'"))

    def _log(self, measured: Measured, tags: Mapping[str, str], name: str) -> str:
        run = self._client.create_run(self._experiment, tags=dict(tags), run_name=name)
        now = time_ns() // 1_000_000
        metrics = [Metric(key, value, now, 0) for key, value in measured.numbers().items()]
        params = [Param(key, value[:_LONGEST_PARAM]) for key, value in measured.flat_params().items()]
        self._client.log_batch(run.info.run_id, metrics=metrics, params=params)
        return str(run.info.run_id)

    def _log_tables(self, run_id: str, tables: Mapping[str, pl.DataFrame]) -> None:
        """Tables in the form that MLflow's pages show as such."""
        for name, frame in tables.items():
            rows = [list(row.values()) for row in json.loads(frame.write_json())]
            self._client.log_dict(run_id, {"columns": frame.columns, "data": rows}, f"{name}.json")
        shown = [{"path": f"{name}.json", "type": "table"} for name in tables]
        self._client.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps(shown))

    def _log_curve(self, run_id: str, night: NightLog) -> None:
        means = {alpha: measured.mean(*_DECISIVE) for alpha, measured in night.sweep.items()}
        drawn = {alpha: mean for alpha, mean in means.items() if mean is not None}
        if drawn:
            reference = night.popularity.mean(*_DECISIVE) if night.popularity else None
            figure = draw_alpha_curve(drawn, reference, "{}@{}".format(*_DECISIVE))
            self._client.log_figure(run_id, figure, "alpha.png")

    def _remove(self, run: Run) -> None:
        for child in self._runs(f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run.info.run_id}'"):
            self._client.delete_run(child.info.run_id)
        self._remove_files(run)
        self._client.delete_run(run.info.run_id)

    def _remove_files(self, run: Run, folder: str | None = None) -> None:
        if self._client.list_artifacts(run.info.run_id, folder):
            uri = self._client.tracking_uri
            get_artifact_repository(run.info.artifact_uri, tracking_uri=uri).delete_artifacts(folder)


def _make_database(path: Path) -> None:
    """Makes a new database whole or not at all: MLflow takes none in which it was killed between two tables."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    MlflowClient(f"{_SQLITE}{draft}").search_experiments(max_results=1)
    sync(draft)
    # A link, unlike a renaming, never takes the place of a database that somebody else made meanwhile.
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
    sync(path.parent)


def _folder_of(found: ModelVersion) -> str:
    """The folder of a version's files among the artifacts of its run."""
    return str(found.source).rpartition("/")[2]


def _find_experiment(client: MlflowClient, tracking_uri: str, artifact_root: Path) -> str:
    """The experiment's id; a server chooses where files lie, a database leaves it to us."""
    found = client.get_experiment_by_name(NAME)
    if found is not None:
        return str(found.experiment_id)
    if tracking_uri.startswith("http"):
        return str(client.create_experiment(NAME))
    artifact_root.mkdir(parents=True, exist_ok=True)
    return str(client.create_experiment(NAME, artifact_location=artifact_root.as_uri()))


def _dataset_input(table: DataUsed) -> DatasetInput:
    described = Dataset(
        name=table.name,
        digest=table.fingerprint[:16],
        source_type="delta_table",
        source=json.dumps({"table": table.name}),
        profile=json.dumps({"num_rows": table.rows}),
    )
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
