"""Stage 6: the approved recipe on everything known at T, registered before anything is published."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.catalog import build
from nightschool.contract import Recipe
from nightschool.night.run import Night
from tasks.prepare import load
from tasks.stage import Record, once


@task(cache_policy=NO_CACHE)
def refit(night: Night, data: Record, verdict: Record) -> Record:
    """The name of the fitted recipe; the model itself is below the night's folder."""
    return once(night, "refit", lambda folder: _refit(night, data, verdict, folder))


def model_folder(night: Night) -> Path:
    """Where the fitted model is."""
    return night.folder / "refit" / "model"


def _refit(night: Night, data: Record, verdict: Record, folder: Path) -> Record:
    recipe = Recipe.model_validate(verdict["recipe"])
    everything = load(night, data).log.dataset()
    build(recipe).fit(everything, seed=night.config.seed).save(folder / "model")
    return {"recipe": recipe.name}
