"""Evaluations as entries of records, reports and MLflow."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nightschool.evaluation import catalog
from nightschool.evaluation.compare import compare
from nightschool.evaluation.evaluation import Evaluation
from nightschool.night.entries import AlphaEntry, CandidateEntry, Figures, RoleEntry, TrialEntry
from nightschool.night.records import SelectRecord
from nightschool.night.selection.selection import Candidate, Selection
from nightschool.recipe import RERANKER


def figures(evaluation: Evaluation, cutoffs: tuple[int, ...]) -> Figures:
    """Describe every metric that was measured: its label to [value, lower end, upper end] of its 95 % interval.

    The ends are None where there is no interval. What the dataset does not allow to be measured, such as diversity
    without described items, is left out.
    """
    places = [(metric, k) for k in (*cutoffs, None) for metric in catalog.CATALOG if metric.by_k == (k is not None)]
    found = {
        metric.label(k): [evaluation.mean(metric.name, k), *evaluation.interval(metric.name, k)]
        for metric, k in places
        if evaluation.measures(metric.name, k)
    }
    return {name: [finite_or_none(value) for value in triple] for name, triple in found.items()}


def figures_in_markdown(roles: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write every metric of every role as the rows of a Markdown table, a column a role."""
    names = [role["name"] for role in roles]
    lines = [f"| metric | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for label in dict.fromkeys(label for role in roles for label in role["metrics"]):
        values = [role["metrics"].get(label, [None])[0] for role in roles]
        lines.append(f"| {label} | {' | '.join(number(value) for value in values)} |")
    return lines


def describe_selection(selection: Selection, cutoffs: tuple[int, ...], *, tuned: bool) -> SelectRecord:
    """Build the record of the stage that chose the recipe."""
    further = [one for one in (selection.blend, selection.reranked) if one is not None]
    return SelectRecord(
        recipe=selection.recipe,
        candidates=tuple(describe_candidate(candidate, cutoffs) for candidate in (*selection.candidates, *further)),
        sweep=_describe_sweep(selection, cutoffs),
        trials=tuple(
            TrialEntry(
                model=trial.component.model,
                params=trial.component.params,
                value=finite_or_none(trial.value),
                seconds=round(trial.seconds, 3),
                cut=trial.cut,
            )
            for trial in selection.trials
        ),
        failures=selection.failures,
        tuned=tuned,
        cuts=selection.cuts,
        bought=selection.bought,
    )


def _describe_sweep(selection: Selection, cutoffs: tuple[int, ...]) -> tuple[AlphaEntry, ...]:
    """Describe each α of the sweep, and how far it is behind the best one."""
    means = {alpha: finite_or_none(one.mean("ndcg", 10)) for alpha, one in selection.sweep.items()}
    best = max(means, key=lambda alpha: means[alpha] or 0.0, default=None)
    entries = []
    for alpha, evaluation in selection.sweep.items():
        behind = None
        if best is not None and alpha != best and means[alpha] is not None:
            over = compare(selection.sweep[best], evaluation)
            behind = (over.difference, finite_or_none(over.ci_low), finite_or_none(over.ci_high))
        name, measured = selection.hybrid[alpha].name, figures(evaluation, cutoffs)
        entries.append(AlphaEntry(alpha=alpha, name=name, metrics=measured, behind=behind))
    return tuple(entries)


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


def number(value: float | None) -> str:
    """Write a figure with four decimals, or a dash where there is none."""
    return "–" if value is None else f"{value:.4f}"
