"""A night as MLflow shows it: what was tried, on which data, and what was measured."""

import json
from dataclasses import asdict
from typing import Final

import polars as pl

from nightschool.charts.theme import as_page, as_png
from nightschool.columns import CI_HIGH, CI_LOW, METRIC, MODEL, N_USERS, SEGMENT, SPLIT, VALUE, K
from nightschool.curves import CURVES, Curves, read_curves
from nightschool.evaluation.segments import OVERALL
from nightschool.night.entries import ContextEntry
from nightschool.night.night import Night
from nightschool.night.prove import POPULARITY_RECIPE
from nightschool.night.records import STAGES, ContextualiseRecord, PrepareRecord, ProveRecord, SelectRecord
from nightschool.night.reporting.alpha import alpha_curve, best_alpha
from nightschool.night.reporting.metrics import number
from nightschool.night.reporting.model_card import model_card
from nightschool.recipe import Recipe
from nightschool.settings import Settings
from nightschool.storage.night_log import Measured, NightLog
from nightschool.vocabulary import POPULARITY

_LONGEST_TAG: Final = 2000
"""Characters; MLflow refuses tags that are longer than a few thousand."""


def night_log(
    night: Night, prepared: PrepareRecord, selected: SelectRecord, proved: ProveRecord, contextual: ContextualiseRecord
) -> NightLog:
    """Gather what MLflow shows of a night: candidates, sweep, trials, the approved recipe, and its contexts."""
    validation, test = (
        pl.read_parquet(night.folder / stage / "metrics.parquet", glob=False) for stage in ("select", "prove")
    )
    candidates = tuple(
        Measured(c.name, c.params, _rows(validation, c.name), {"fit_seconds": c.fit_seconds})
        for c in selected.candidates
    )
    sweep = {
        point.alpha: Measured(f"α={point.alpha:g}", {"alpha": f"{point.alpha:g}"}, _rows(validation, point.name))
        for point in selected.sweep
    }
    recipe, curve = proved.recipe, alpha_curve(selected)
    params = {"recipe": recipe.name, **night.config.deciding()}
    of_recipe = test.filter(pl.col(MODEL) == _role(recipe, selected))
    return NightLog(
        run_key=night.identity.run_key,
        release_id=night.identity.release_id,
        as_of=night.identity.as_of,
        outcome=Measured(recipe.name, params, of_recipe.filter(pl.col(SEGMENT) == OVERALL)),
        candidates=candidates,
        sweep=sweep,
        curves=_curves(night),
        data=night.identity.used,
        tables={
            "model_gates": pl.DataFrame([gate.to_dict() for gate in proved.gates]),
            **({"segment_gaps": pl.DataFrame([asdict(gap) for gap in proved.gaps])} if proved.gaps else {}),
            "trials": _trials(selected),
            "metrics": _metrics(validation, test),
        },
        pictures={} if curve is None else {"alpha.png": as_png(curve), "alpha.html": as_page(curve).encode()},
        tags={"decision": proved.decision, "dataset": night.manifest.name, **_context_tags(contextual)},
        description=_description(night, selected, proved),
        card=model_card(night, prepared, proved, of_recipe),
    )


def _metrics(validation: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
    """Return everything that was measured: on validation of all users, on the test of each segment too."""
    both = [validation.filter(pl.col(SEGMENT) == OVERALL), test]
    columns = [SPLIT, MODEL, SEGMENT, METRIC, K, VALUE, CI_LOW, CI_HIGH, N_USERS]
    return pl.concat([each.select(columns) for each in both]).drop_nulls(VALUE)


def _curves(night: Night) -> Curves:
    """Return the curves of the night's trainings, under the stage that made them."""
    of_stages = {kind.stage: read_curves(night.folder / kind.stage / CURVES) for kind in STAGES}
    return {f"{stage}/{name}": curve for stage, curves in of_stages.items() for name, curve in curves.items()}


def _description(night: Night, selected: SelectRecord, proved: ProveRecord) -> str:
    """Say in Markdown what was decided, which α is best, and what the test showed."""
    lines = ["| on the test | ndcg@10 | 95 % interval |", "|---|---:|---|"]
    for role in proved.roles:
        value, low, high = role.metrics["ndcg@10"]
        lines.append(f"| {role.name} | {number(value)} | {number(low)} – {number(high)} |")
    release, best = night.identity.release_id, best_alpha(selected.sweep)
    return "\n\n".join(
        [
            f"**{proved.decision}**: {proved.sentence}.",
            *([f"{best}."] if best else []),
            "\n".join(lines),
            f"The release: [{release}]({Settings().page}/operator?releases=all#release-{release})",
        ]
    )


def _trials(selected: SelectRecord) -> pl.DataFrame:
    """Return a row a fit of the search, in order; one that could not be trained has no figure."""
    rows = [(one.model, json.dumps(dict(one.params)), one.cut + 1, one.value, one.seconds) for one in selected.trials]
    schema = {
        "model": pl.String,
        "settings": pl.String,
        "cut": pl.Int32,
        "ndcg_at_10": pl.Float64,
        "seconds": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _context_tags(contextual: ContextualiseRecord) -> dict[str, str]:
    """Name the contexts that are on, and those that are off; each with what it adds to ndcg@10, or why it is off."""
    switched_on = [f"{each.name} ({_gain(each)})" for each in contextual.contexts if each.weight]
    off = [f"{each.name} ({each.note}{_gain(each, '; ')})" for each in contextual.contexts if not each.weight]
    named = {"contexts_on": switched_on, "contexts_off": off}
    return {tag: ", ".join(each)[:_LONGEST_TAG] for tag, each in named.items() if each}


def _gain(context: ContextEntry, before: str = "") -> str:
    """Return the measured gain in words, after a separator; empty where there is none."""
    if context.difference is None:
        return ""
    mean, low, high = context.difference
    return f"{before}{mean:+.4f} ndcg@10 of choices, {low:+.4f} to {high:+.4f}"


def _role(recipe: Recipe, selected: SelectRecord) -> str:
    """Return the role under which the approved recipe was measured on the test."""
    if recipe == selected.recipe:
        return "challenger"
    return POPULARITY if recipe == POPULARITY_RECIPE else "champion"


def _rows(metrics: pl.DataFrame, model: str) -> pl.DataFrame:
    return metrics.filter(pl.col(MODEL) == model, pl.col(SEGMENT) == OVERALL)
