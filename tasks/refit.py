"""Stage 6: the approved recipe on everything known at T, registered before anything is published."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.catalog import build
from models.published import write_audiences
from nightschool.contract import Recipe
from nightschool.night.audiences import measure_audiences
from nightschool.night.run import Night
from tasks.prepare import load
from tasks.stage import Record, failed_on_io, once
from tasks.tracking import track


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[2, 20], retry_condition_fn=failed_on_io)
def refit(night: Night, data: Record, chosen: Record, verdict: Record) -> Record:
    """The fitted recipe's name, what its models noted, and its MLflow run; the model is below the night's folder."""
    return once(night, "refit", lambda folder: _refit(night, data, chosen, verdict, folder))


def model_folder(night: Night) -> Path:
    """Where the fitted model is."""
    return night.folder / "refit" / "model"


def _refit(night: Night, data: Record, chosen: Record, verdict: Record, folder: Path) -> Record:
    recipe = Recipe.model_validate(verdict["recipe"])
    everything = load(night, data).log.dataset()
    artifacts = {"model": folder / "model", "audiences": folder / "audiences.npz"}
    fitted = build(recipe).fit(everything, seed=night.config.seed)
    fitted.save(artifacts["model"])
    audiences = measure_audiences(everything)
    write_audiences(artifacts["audiences"], audiences.scores, audiences.of_user)
    return {
        "recipe": recipe.name,
        "notes": [f"{name}: {part.note}" for name, part in fitted.parts.items() if part.note],
        "mlflow_run_id": track(night, chosen, verdict, artifacts),
    }
