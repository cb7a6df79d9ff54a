"""Stage refit: the approved recipe on everything known at T, registered before anything is published."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from scipy.sparse import csr_array, load_npz, save_npz

from models.catalog import build
from models.published import write_audiences
from nightschool.application.content_similarity import content_similarity
from nightschool.application.stage import failed_on_io, resumable
from nightschool.application.tracking import track
from nightschool.night.night import Night
from nightschool.night.records import ContextualiseRecord, PrepareRecord, ProveRecord, RefitRecord, SelectRecord
from nightschool.night.release.audiences import measure_audiences
from nightschool.night.reporting.importances import importance_rows
from nightschool.night.reporting.mlflow_run import night_log
from nightschool.spark.refit import refit_on_parts
from tasks.prepare import load, prepared_folder


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[2, 20], retry_condition_fn=failed_on_io)
def refit(
    night: Night, prepared: PrepareRecord, selected: SelectRecord, proved: ProveRecord, contextual: ContextualiseRecord
) -> RefitRecord:
    """Fit the approved recipe on everything known at T, and log the night and its model to MLflow."""

    def _refitted(folder: Path) -> RefitRecord:
        notes, artifacts = _fit(night, prepared, proved, folder)
        run_id = track(night, night_log(night, prepared, selected, proved, contextual), artifacts)
        return RefitRecord(recipe=proved.recipe.name, notes=notes, mlflow_run_id=run_id)

    return resumable(night, RefitRecord, _refitted)


def model_folder(night: Night) -> Path:
    """Return the folder of the fitted model."""
    return night.folder / RefitRecord.stage / "model"


def content_weights(night: Night) -> csr_array | None:
    """Read the content similarity of items; None where the recipe has that component or no item is described."""
    file = night.folder / RefitRecord.stage / "content.npz"
    return csr_array(load_npz(file)) if file.exists() else None


def _fit(
    night: Night, prepared: PrepareRecord, proved: ProveRecord, folder: Path
) -> tuple[tuple[str, ...], dict[str, Path]]:
    """Fit the recipe and write its files; return the notes of its models, and the files that MLflow registers."""
    if night.on_spark:
        return (), refit_on_parts(proved.recipe, prepared_folder(night), folder)
    everything = load(night, prepared).log.dataset()
    artifacts = {"model": folder / "model", "audiences": folder / "audiences.npz"}
    fitted = build(proved.recipe).fit(everything, seed=night.config.seed)
    fitted.save(artifacts["model"])
    rows = importance_rows(fitted.importances(), proved.recipe.name, prepared.users)
    rows.write_parquet(folder / "metrics.parquet")
    content = content_similarity(fitted, everything)
    if content is not None:
        save_npz(folder / "content.npz", content)
    audiences = measure_audiences(everything)
    write_audiences(artifacts["audiences"], audiences.scores, audiences.of_user)
    return tuple(f"{name}: {part.note}" for name, part in fitted.parts.items() if part.note), artifacts
