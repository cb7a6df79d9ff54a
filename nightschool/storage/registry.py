"""The models that were published, as MLflow registers them, and the runs of the nights that made them."""

import logging
import os
import warnings
from collections.abc import Callable, Collection
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import polars as pl

# MLflow reads it as it is imported: nothing calls home.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

with warnings.catch_warnings():
    # MLflow warns about type hints of its own.
    warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType", category=UserWarning)
    import mlflow.pyfunc

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from sqlalchemy.exc import SQLAlchemyError

from nightschool.columns import ITEM_ID, RANK, RELEASE_ID, SCORE, USER_ID
from nightschool.errors import NotFound, Unavailable, Unreachable
from nightschool.sqlite import sqlite_path
from nightschool.storage.mlflow_addresses import NAME, relocate
from nightschool.storage.mlflow_database import find_experiment, make_database
from nightschool.storage.night_log import ReleaseModel
from nightschool.storage.night_runs import KIND, NIGHT, NightRuns
from nightschool.storage.tracking_uri import hand_over_credentials, without_credentials

CHAMPION = "champion"

_DESCRIPTION = """\
A version is the model of one published release: its description is the model card, its tag `release_id` names the
tables, and the alias `champion` points to the release that is current.
`mlflow.pyfunc.load_model("models:/nightschool@champion")` recomputes the published lists.
"""
_MODEL_FOLDER = "model"

logger = logging.getLogger("nightschool.registry")


class Registry:
    """The experiment and the registered model called `nightschool` in one MLflow store.

    Attributes:
        nights: The experiment's runs.

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
            self.nights = NightRuns(self._client, find_experiment(self._client, uri, artifact_root))
        except (MlflowException, SQLAlchemyError) as error:
            # Not a word of theirs, and no chain: they repeat the URI, and with it a password.
            what, seen = f"MLflow's store cannot be used ({type(error).__name__})", without_credentials(uri)
            raise Unreachable(what, seen=seen, do="start it, or correct its URI") from None

    def register(self, run_id: str, model: ReleaseModel) -> str:
        """Register the model of a release; return its version. An earlier version of the same release is deleted.

        Args:
            run_id: The night's run, which holds the files.
            model: The model.
        """
        for known in self._versions(model.release_id):
            self._client.delete_model_version(NAME, str(known.version))
        with TemporaryDirectory() as folder:
            saved = Path(folder) / _MODEL_FOLDER
            _save_model(saved, model)
            self.nights.files(run_id).log_artifacts(str(saved), _MODEL_FOLDER)
        if not self._client.search_registered_models(f"name = '{NAME}'"):
            self._client.create_registered_model(NAME, description=_DESCRIPTION)
        return self._make_version(run_id, _MODEL_FOLDER, model.release_id, model.card)

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
            self.nights.remove_files(found.run_id, _folder_of(found))
        return sorted(found.tags[RELEASE_ID] for found in unneeded)

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
            if not self.nights.files(found.run_id).list_artifacts(_folder_of(found)):
                seen = f"{self._client.get_run(found.run_id).info.artifact_uri}/{_folder_of(found)}"
                what = f"the files of version {found.version} of the registered model {NAME} are gone"
                raise Unavailable(what, seen=seen, do="restore them from a backup, or delete that version in MLflow")
        return versions

    def _rewrite(self, found: ModelVersion, rewrite: Callable[[Path], bool], scratch: Path) -> bool:
        """Replace a version by a rewritten one in a folder of its own; return whether there was anything to change."""
        files, folder = self.nights.files(found.run_id), f"{_MODEL_FOLDER}-{uuid4().hex}"
        with TemporaryDirectory(dir=scratch) as place:
            saved = Path(files.download_artifacts(_folder_of(found), place))
            if not rewrite(saved / "artifacts"):
                return False
            files.log_artifacts(str(saved), folder)
        made = self._make_version(found.run_id, folder, found.tags[RELEASE_ID], found.description)
        if self.champion() == found.tags[RELEASE_ID]:
            self._client.set_registered_model_alias(NAME, CHAMPION, made)
        # In this order: the files of a version that is gone are found by the next try.
        self._client.delete_model_version(NAME, str(found.version))
        self.nights.remove_files(found.run_id, _folder_of(found))
        return True

    def _make_version(self, run_id: str, folder: str, release_id: str, card: str | None) -> str:
        made = self._client.create_model_version(
            NAME, f"runs:/{run_id}/{folder}", run_id, tags={RELEASE_ID: release_id}, description=card
        )
        return str(made.version)

    def _remove_unregistered(self, sources: Collection[str]) -> None:
        """Delete the files of models that no version names: their night was killed before it registered them."""
        for run in self.nights.find(f"tags.{KIND} = '{NIGHT}'"):
            for entry in self.nights.files(run.info.run_id).list_artifacts():
                is_model = entry.is_dir and entry.path.startswith(_MODEL_FOLDER)
                if is_model and f"runs:/{run.info.run_id}/{entry.path}" not in sources:
                    self.nights.remove_files(run.info.run_id, entry.path)

    def _versions(self, release_id: str) -> list[ModelVersion]:
        return list(self._client.search_model_versions(f"name = '{NAME}' and tags.{RELEASE_ID} = '{release_id}'"))


def _folder_of(found: ModelVersion) -> str:
    """Return the folder of a version's files among the artifacts of its run."""
    return str(found.source).rpartition("/")[2]


def _save_model(folder: Path, model: ReleaseModel) -> None:
    is_number = model.user_id == pl.Int64
    signature = ModelSignature(
        inputs=Schema([ColSpec("long" if is_number else "string", USER_ID)]),
        outputs=Schema(
            [
                ColSpec("long" if is_number else "string", USER_ID),
                ColSpec("long" if model.item_id == pl.Int64 else "string", ITEM_ID),
                ColSpec("integer", RANK),
                ColSpec("float", SCORE),
            ]
        ),
        params=ParamSchema([ParamSpec("k", "integer", 50)]),
    )
    # Nobody's id: that of a learner would be the id of a person.
    example = pl.DataFrame({USER_ID: [-1 if is_number else "nobody"]}).to_pandas()
    with warnings.catch_warnings():
        # MLflow compares the example's index in a way that pandas no longer likes.
        warnings.filterwarnings("ignore", message="Operation with range is deprecated")
        mlflow.pyfunc.save_model(
            folder,
            python_model=str(model.code),
            artifacts={name: str(path) for name, path in model.artifacts.items()},
            pip_requirements=[f"nightschool=={version('nightschool')}"],
            signature=signature,
            input_example=(example, {"k": 10}),
        )
