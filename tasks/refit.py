"""Stage 6: the approved recipe on everything known at T, registered before anything is published."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from scipy.sparse import csr_array, load_npz, save_npz

from models.catalog import build, create
from models.published import write_audiences
from nightschool.application.stage import Record, failed_on_io, resumable
from nightschool.application.tracking import track
from nightschool.capabilities import WeighsItems
from nightschool.contract import Blended, Dataset, Recipe
from nightschool.errors import ConfigurationError
from nightschool.night.night import Night
from nightschool.night.release.audiences import measure_audiences
from nightschool.vocabulary import CONTENT
from tasks.prepare import load


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[2, 20], retry_condition_fn=failed_on_io)
def refit(night: Night, data: Record, chosen: Record, verdict: Record) -> Record:
    """The fitted recipe's name, what its models noted, and its MLflow run; the model is below the night's folder."""
    return resumable(night, "refit", lambda folder: _refit(night, data, chosen, verdict, folder))


def model_folder(night: Night) -> Path:
    """Where the fitted model is."""
    return night.folder / "refit" / "model"


def content_weights(night: Night) -> csr_array | None:
    """How like items are by what is said of them, where the recipe has no such component and items are described."""
    file = night.folder / "refit" / "content.npz"
    return csr_array(load_npz(file)) if file.exists() else None


def _weigh_content(fitted: Blended, everything: Dataset, file: Path) -> None:
    """Leaves those weights: who is new and has met an item nobody else has is served by them."""
    if CONTENT in fitted.parts:
        return
    try:
        content = create(CONTENT, {}).fit(everything, seed=0)
    except ConfigurationError:
        return  # nothing is said of any item
    if isinstance(content, WeighsItems):
        save_npz(file, content.item_weights())


def _refit(night: Night, data: Record, chosen: Record, verdict: Record, folder: Path) -> Record:
    recipe = Recipe.model_validate(verdict["recipe"])
    everything = load(night, data).log.dataset()
    artifacts = {"model": folder / "model", "audiences": folder / "audiences.npz"}
    fitted = build(recipe).fit(everything, seed=night.config.seed)
    fitted.save(artifacts["model"])
    _weigh_content(fitted, everything, folder / "content.npz")
    audiences = measure_audiences(everything)
    write_audiences(artifacts["audiences"], audiences.scores, audiences.of_user)
    return {
        "recipe": recipe.name,
        "notes": [f"{name}: {part.note}" for name, part in fitted.parts.items() if part.note],
        "mlflow_run_id": track(night, chosen, verdict, artifacts),
    }
