"""Evaluations as small JSON documents for records, reports and MLflow."""

import math
from collections.abc import Mapping
from typing import Any

from nightschool.contract import RERANKER
from nightschool.evaluation.evaluation import Evaluation
from nightschool.night.records import AlphaEntry, CandidateEntry, Figures, RoleEntry, SelectRecord, TrialEntry
from nightschool.night.selection.select import Candidate, Selection

_WITH_INTERVAL = (
    *("ndcg", "precision", "recall", "map", "mrr", "hit_rate"),
    *("novelty", "average_popularity", "serendipity", "diversity", "miscalibration"),
)
_TOTALS = ("coverage", "gini")
_ERRORS = ("rmse", "mae")


def figures(evaluation: Evaluation, cutoffs: tuple[int, ...]) -> Figures:
    """`metric@k` to [value, lower end, upper end] of its 95 % interval; None where there is no interval.

    What the dataset does not allow to be measured, such as diversity without described items, is not in it.
    """
    found: dict[str, list[float | None]] = {}
    measured = [metric for metric in _WITH_INTERVAL if metric in evaluation.per_user]
    for k in cutoffs:
        for metric in measured:
            found[f"{metric}@{k}"] = [evaluation.mean(metric, k), *evaluation.interval(metric, k)]
        for metric in _TOTALS:
            found[f"{metric}@{k}"] = [evaluation.mean(metric, k), None, None]
    if "auc" in evaluation.per_user:
        found["auc"] = [evaluation.mean("auc"), *evaluation.interval("auc")]
    if evaluation.errors is not None:
        for metric in _ERRORS:
            found[metric] = [evaluation.mean(metric), *evaluation.interval(metric)]
    return {name: [finite_or_none(value) for value in triple] for name, triple in found.items()}


def describe_selection(selection: Selection, cutoffs: tuple[int, ...], *, tuned: bool) -> SelectRecord:
    """Build the record of the stage that chose the recipe."""
    further = [one for one in (selection.blend, selection.reranked) if one is not None]
    return SelectRecord(
        recipe=selection.recipe,
        candidates=tuple(describe_candidate(candidate, cutoffs) for candidate in (*selection.candidates, *further)),
        sweep=tuple(
            AlphaEntry(alpha=alpha, name=selection.hybrid[alpha].name, metrics=figures(evaluation, cutoffs))
            for alpha, evaluation in selection.sweep.items()
        ),
        trials=tuple(
            TrialEntry(
                model=trial.component.model,
                params=trial.component.params,
                value=finite_or_none(trial.value),
                seconds=round(trial.seconds, 3),
            )
            for trial in selection.trials
        ),
        failures=selection.failures,
        tuned=tuned,
    )


def describe_candidate(candidate: Candidate, cutoffs: tuple[int, ...]) -> CandidateEntry:
    """Describe a single model with its hyper-parameters, or a blend with its weights, and its validation figures."""
    parts = candidate.recipe.components
    params: dict[str, Any] = dict(parts[0].params) if len(parts) == 1 else {part.model: part.weight for part in parts}
    if candidate.recipe.reranker is not None:
        params[RERANKER] = dict(candidate.recipe.reranker)
    return CandidateEntry(
        name=candidate.recipe.name,
        params=params,
        fit_seconds=round(candidate.fit_seconds, 3),
        note=candidate.note,
        n_users=candidate.evaluation.n_users,
        metrics=figures(candidate.evaluation, cutoffs),
    )


def describe_roles(evaluations: Mapping[str, Evaluation], cutoffs: tuple[int, ...]) -> tuple[RoleEntry, ...]:
    """Describe what each role of the comparison measured on the test."""
    return tuple(
        RoleEntry(name=role, n_users=evaluation.n_users, metrics=figures(evaluation, cutoffs))
        for role, evaluation in evaluations.items()
    )


def finite_or_none(value: float | None) -> float | None:
    """Return the value, or None where it is no number that JSON has."""
    return None if value is None or not math.isfinite(value) else value
