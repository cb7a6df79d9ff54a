"""The model card of a release: data, recipe, quality by segment, and limits."""

import json
from collections.abc import Sequence

import polars as pl

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, N_USERS, SEGMENT, VALUE, K
from nightschool.evaluation.gaps import Gap
from nightschool.night.night import Night
from nightschool.night.records import PrepareRecord, ProveRecord
from nightschool.night.reporting.metrics import number
from nightschool.recipe import RERANKER, Recipe
from nightschool.storage.night_log import DECISIVE

_ALWAYS = (
    "The lists rank what people interacted with, not what helped them; what is new ranks by content, or not at all."
)


def model_card(night: Night, prepared: PrepareRecord, proved: ProveRecord, measured: pl.DataFrame) -> str:
    """Write the card in Markdown, as proposed by Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.

    Args:
        night: The night that made the model.
        prepared: How the events were cut.
        proved: What the test approved, and why.
        measured: The approved recipe's rows of the metrics table on the test, of every segment.
    """
    figures = [("users", prepared.users), ("items", prepared.items), ("events", prepared.events)]
    known = ", ".join(f"{count:,} {name}" for name, count in figures)
    return "\n".join(
        [
            f"# {proved.recipe.name}",
            "",
            f"Ranks items for the users of {night.manifest.name}. {proved.sentence[:1].upper()}{proved.sentence[1:]}.",
            "",
            "## Data",
            "",
            f"{known}, known at {night.identity.as_of.isoformat()}. Measured on a split `{prepared.protocol}`, then "
            "refitted on everything.",
            "",
            "## Recipe",
            "",
            *_recipe(proved.recipe),
            "",
            "## Quality on the test by segment",
            "",
            *_segments(measured, proved.gaps),
            "",
            "## Limits",
            "",
            *(f"- {limit}" for limit in _limits(night, prepared, proved)),
            "",
        ]
    )


def _recipe(recipe: Recipe) -> list[str]:
    rows = [(one.model, f"{one.weight:g}", one.params) for one in recipe.components]
    if recipe.reranker is not None:
        rows.append((RERANKER, "reorders", recipe.reranker))
    lines = [f"| {model} | {weight} | {json.dumps(dict(params))} |" for model, weight, params in rows]
    return ["| component | weight | settings |", "|---|---:|---|", *lines]


def _segments(measured: pl.DataFrame, gaps: Sequence[Gap]) -> list[str]:
    metric, k = DECISIVE
    rows = measured.filter(pl.col(METRIC) == metric, pl.col(K) == k).select(SEGMENT, N_USERS, VALUE, CI_LOW, CI_HIGH)
    against = {gap.segment: f"{gap.difference:+.4f}{', shown' if gap.shown else ''}" for gap in gaps}
    lines = [
        f"| {segment} | {users:,} | {number(value)} | {number(low)} – {number(high)} | {against.get(segment, '')} |"
        for segment, users, value, low, high in rows.iter_rows()
    ]
    head = [
        f"| segment | users | {metric}@{k} | 95 % interval | less the others of its kind |",
        "|---|---:|---:|---|---|",
    ]
    return [*head, *lines, "", "A difference is shown where Welch's test, adjusted for all segments, finds it at 5 %."]


def _limits(night: Night, prepared: PrepareRecord, proved: ProveRecord) -> list[str]:
    unproved = ["Not shown better than popularity."] if proved.learnable is not True else []
    return [*prepared.warnings, *night.warnings, *unproved, _ALWAYS]
