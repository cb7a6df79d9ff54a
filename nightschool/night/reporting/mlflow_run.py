"""A night in the words of its registry: what was tried, on which data, and what it measured."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from nightschool.columns import MODEL, SEGMENT
from nightschool.contract import Recipe
from nightschool.evaluation.segments import OVERALL
from nightschool.night.night import Night
from nightschool.night.prove import POPULARITY_RECIPE
from nightschool.night.selection.select import POPULARITY
from nightschool.storage.night_log import Measured, NightLog

Record = Mapping[str, Any]


def night_log(night: Night, chosen: Record, verdict: Record) -> NightLog:
    """What the registry shows of a night that has its verdict."""
    validation, test = (
        pl.read_parquet(night.folder / stage / "metrics.parquet", glob=False) for stage in ("select", "prove")
    )
    candidates = tuple(
        Measured(c["name"], c["params"], _rows(validation, c["name"]), {"fit_seconds": c["fit_seconds"]})
        for c in chosen["candidates"]
    )
    trials = tuple(_trial(number, trial) for number, trial in enumerate(chosen["trials"], start=1))
    sweep = {
        point["alpha"]: Measured(f"α={point['alpha']:.1f}", {"recipe": point["name"]}, _rows(validation, point["name"]))
        for point in chosen["sweep"]
    }
    recipe = Recipe.model_validate(verdict["recipe"])
    params = {"recipe": recipe.name, **night.config.model_dump(mode="json")}
    return NightLog(
        run_key=night.identity.run_key,
        release_id=night.identity.release_id,
        as_of=night.identity.as_of,
        outcome=Measured(recipe.name, params, _rows(test, _role(recipe, chosen))),
        candidates=candidates,
        trials=trials,
        sweep=sweep,
        popularity=next((c for c in candidates if c.name == POPULARITY), None),
        data=night.identity.used,
        tables={"model_gates": pl.DataFrame(verdict["gates"])},
        tags={"decision": verdict["decision"], "dataset": night.manifest.name},
    )


def _trial(number: int, trial: Record) -> Measured:
    """A setting that was tried; one that could not be trained has no figure."""
    value = {} if trial["value"] is None else {"ndcg_at_10": trial["value"]}
    figures = {**value, "seconds": trial["seconds"]}
    return Measured(f"trial {number}: {trial['model']}", {trial["model"]: trial["params"]}, None, figures)


def _role(recipe: Recipe, chosen: Record) -> str:
    """Under which role the approved recipe was measured on the test."""
    if recipe == Recipe.model_validate(chosen["recipe"]):
        return "challenger"
    return POPULARITY if recipe == POPULARITY_RECIPE else "champion"


def _rows(metrics: pl.DataFrame, model: str) -> pl.DataFrame:
    return metrics.filter(pl.col(MODEL) == model, pl.col(SEGMENT) == OVERALL)
