"""The runs of nights in MLflow: one a night, with a child for each candidate and each α."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time_ns
from typing import Final

import polars as pl
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS, MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NOTE
from sqlalchemy.exc import SQLAlchemyError

from nightschool.columns import AS_OF, RELEASE_ID, RUN_KEY
from nightschool.errors import Unreachable
from nightschool.storage.mlflow_addresses import artifact_page
from nightschool.storage.night_log import DECISIVE, DataUsed, Measured, NightEnd, NightLog

KIND: Final = "kind"
NIGHT: Final = "night"
REPORT: Final = "report.html"
"""The page on the release among the files of a night's run."""
CURVE: Final = "alpha/"
"""Before a metric's name: its values over α, at the steps 100·α."""
TRAINING: Final = "training/"
"""Before the name of a training's curve: its values after each pass."""


_LONGEST_PARAM = 6000
_MOST_METRICS = 1000  # that MLflow takes at once
# The reason itself may quote a value of the data, and with it a person: it stays where `forget` erases it.
_WHY = "`nightschool nights` and the night's run in Prefect tell why."
_EXPERIMENT_NOTE = """\
Every run is one night: what it published and measured on the test, with its description on top. Below it (+) are its
candidates and each α of its sweep, measured on validation. Sort by `ndcg_at_10`; the tables `metrics`, `trials` and
`model_gates` of a night hold everything that was measured, every fit of the search, and every gate.
"""


class NightRuns:
    """The runs of the experiment called `nightschool`.

    Args:
        client: A client of the store.
        experiment: The experiment's id.
    """

    def __init__(self, client: MlflowClient, experiment: str) -> None:
        self._client = client
        self._experiment = experiment

    def log(self, night: NightLog) -> str:
        """Log a night as a run with one child for each candidate and α; return the run's id.

        What an earlier try of the same night logged is removed: its verdict may have been another.
        """
        for run in self.find(f"tags.{RUN_KEY} = '{night.run_key}'"):
            self.remove(run)
        self._client.set_experiment_tag(self._experiment, MLFLOW_RUN_NOTE, _EXPERIMENT_NOTE)
        tags = {RUN_KEY: night.run_key, RELEASE_ID: night.release_id, AS_OF: night.as_of.isoformat(), **night.tags}
        run_id = self._log(night.outcome, {KIND: NIGHT, **tags}, name=night.release_id)
        self._client.log_inputs(run_id, [_dataset_input(table) for table in night.data])
        self._log_tables(run_id, night.tables)
        for kind, tried in (("candidate", night.candidates), ("alpha", night.sweep.values())):
            for measured in tried:
                child = self._log(measured, {KIND: kind, MLFLOW_PARENT_RUN_ID: run_id}, name=measured.name)
                self._client.set_terminated(child)
        self._log_curve(run_id, night)
        self._log_trainings(run_id, night)
        note = night.description + self._log_pictures(run_id, night.pictures)
        self._client.set_tag(run_id, MLFLOW_RUN_NOTE, note)
        self._client.set_terminated(run_id)
        return run_id

    def close(self, end: NightEnd) -> str | None:
        """Tag a night's run with how the night ended, and log its report; make a run where it was refused before it.

        Returns:
            Where MLflow's page shows the report; None without one.

        Raises:
            Unreachable: The store does not answer.
        """
        try:
            return self._close(end)
        except (MlflowException, SQLAlchemyError) as error:
            # Not a word of theirs, and no chain: they repeat the URI, and with it a password.
            what = f"MLflow's store cannot be used ({type(error).__name__})"
            raise Unreachable(what, do="start it, or correct its URI") from None

    def forget(self, kept: Collection[str], before: datetime) -> int:
        """Return how many nights before an instant lost their runs, children included: their release is not kept."""
        started = f"tags.{KIND} = '{NIGHT}' and attributes.start_time < {int(before.timestamp() * 1000)}"
        old = [run for run in self.find(started) if run.data.tags.get(RELEASE_ID) not in kept]
        for run in old:
            self.remove(run)
        return len(old)

    def find(self, condition: str) -> list[Run]:
        """Return the runs that fulfil a condition in MLflow's language of searches."""
        return list(self._client.search_runs([self._experiment], condition))

    def remove(self, run: Run) -> None:
        """Delete a run, its children and its files."""
        for child in self.find(f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run.info.run_id}'"):
            self._client.delete_run(child.info.run_id)
        self.remove_files(run.info.run_id)
        self._client.delete_run(run.info.run_id)

    def files(self, run_id: str) -> ArtifactRepository:
        """Return what reads and writes the run's files; the client would remember those of a copied home's original."""
        uri, store = self._client.get_run(run_id).info.artifact_uri, self._client.tracking_uri
        return get_artifact_repository(uri, tracking_uri=store)

    def remove_files(self, run_id: str, folder: str | None = None) -> None:
        """Delete the run's files; of a folder alone, where one is named."""
        files = self.files(run_id)
        if files.list_artifacts(folder):
            files.delete_artifacts(folder)

    def _close(self, end: NightEnd) -> str | None:
        known = self.find(f"tags.{RUN_KEY} = '{end.run_key}'") if end.run_key else []
        run_ids = [run.info.run_id for run in known]
        if not run_ids:
            if not end.refused:
                return None
            day = f" {end.as_of:%Y-%m-%d}" if end.as_of else ""
            tags = {KIND: NIGHT, RUN_KEY: end.run_key or "", AS_OF: end.as_of.isoformat() if end.as_of else ""}
            run = self._client.create_run(self._experiment, tags=tags, run_name=f"{end.outcome}{day}")
            run_ids = [run.info.run_id]
        for run_id in run_ids:
            for name, value in {"outcome": end.outcome, **end.tags}.items():
                self._client.set_tag(run_id, name, value)
            if end.refused:
                self._client.set_tag(run_id, MLFLOW_RUN_NOTE, f"**{end.outcome}**. {_WHY}")
                self._client.set_terminated(run_id, "FAILED")
            if end.report:
                self._log_files(run_id, {REPORT: end.report.encode()})
        return artifact_page(self._experiment, run_ids[0], REPORT) if end.report else None

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
        """Log the decisive metric over α as values at steps, which MLflow draws."""
        now, name = time_ns() // 1_000_000, "{}_at_{}".format(*DECISIVE)
        values = [
            Metric(f"{CURVE}{name}{end}", value, now, round(100 * alpha))
            for alpha, one in night.sweep.items()
            for end, value in zip(("", "_ci_low", "_ci_high"), one.mean(*DECISIVE) or (), strict=False)
        ]
        self._client.log_batch(run_id, values)

    def _log_trainings(self, run_id: str, night: NightLog) -> None:
        """Log the curves of trainings, at their passes."""
        now = time_ns() // 1_000_000
        points = [
            Metric(f"{TRAINING}{name}", value, now, step)
            for name, curve in night.curves.items()
            for step, value in curve
        ]
        for start in range(0, len(points), _MOST_METRICS):
            self._client.log_batch(run_id, points[start : start + _MOST_METRICS])

    def _log_pictures(self, run_id: str, pictures: Mapping[str, bytes]) -> str:
        """Log pictures and pages as files; return the Markdown that shows the pictures on MLflow's page."""
        self._log_files(run_id, pictures)
        shown = [name for name in pictures if name.endswith(".png")]
        return "".join(f"\n\n![{name}](get-artifact?path={name}&run_uuid={run_id})" for name in shown)

    def _log_files(self, run_id: str, files: Mapping[str, bytes]) -> None:
        with TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            self.files(run_id).log_artifacts(folder)


def _dataset_input(table: DataUsed) -> DatasetInput:
    source, profile = json.dumps({"table": table.name}), json.dumps({"num_rows": table.rows})
    described = Dataset(table.name, table.fingerprint[:16], "delta_table", source, profile=profile)
    return DatasetInput(described, [InputTag("mlflow.data.context", "training")])
