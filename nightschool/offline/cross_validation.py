"""Cross-validation of rating models: mean, spread and interval of their errors, and the best model by segment."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nightschool.capabilities import PredictsInContext, PredictsRatings
from nightschool.columns import TIMESTAMP
from nightschool.contract import Recommender, Split
from nightschool.data.dataset import EventLog
from nightschool.data.splits.folds import FOLDS, PROTOCOL, fold_splits
from nightschool.errors import ConfigurationError
from nightschool.evaluation.evaluate import errors_in_context, prediction_errors
from nightschool.evaluation.evaluation import Errors
from nightschool.evaluation.intervals import ratio_intervals
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.segments import OVERALL, segments
from nightschool.night.selection.evaluators import Create
from nightschool.progress import watch
from nightschool.recipe import Component

_METRICS = ("rmse", "mae")


@dataclass(frozen=True, eq=False)
class OnFold:
    """One model's errors on one fold by segment of users, and the seconds of its fit.

    Attributes:
        in_context: Whether the predictions used the timestamps of the held-out scores.
        errors: Segment to errors.
        fit_seconds: Seconds.
    """

    in_context: bool
    errors: Mapping[str, Errors]
    fit_seconds: float


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """One model's errors on all folds; predictions in context have a value of their own."""

    component: Component
    folds: tuple[OnFold, ...]

    @property
    def in_context(self) -> bool:
        """Whether the predictions used the timestamps of the held-out scores."""
        return self.folds[0].in_context

    def by_fold(self) -> Float64s:
        """Compute rmse and mae of each fold, float64[n_folds, 2]."""
        return np.stack([fold.errors[OVERALL].means() for fold in self.folds])

    def pooled(self, segment: str) -> Errors:
        """Sum the errors of a segment's users over folds."""
        parts = [fold.errors[segment] for fold in self.folds if segment in fold.errors]
        users, places = np.unique(np.concatenate([part.users for part in parts]), return_inverse=True)
        sums = np.zeros((3, len(users)))
        np.add.at(
            sums.T, places, np.concatenate([[part.pairs, part.squared, part.absolute] for part in parts], axis=1).T
        )
        return Errors(users, *sums)


def cross_validate(
    log: EventLog, components: Sequence[Component], create: Create, *, seed: int
) -> list[CrossValidated]:
    """Measure each model's errors on every fold, fitted on the other folds.

    A model that also predicts in context has a second row after its first, of the same fits, where all events have
    timestamps.

    Raises:
        ConfigurationError: A model predicts no ratings.
        DataRefused: There are fewer events than folds.
    """
    for component in components:
        _predicts(create(component.model, component.params), component)
    found: list[list[tuple[OnFold, ...]]] = [[] for _ in components]
    for split in watch(fold_splits(log, seed=seed), "Folds", FOLDS):
        for folds, component in zip(found, components, strict=True):
            folds.append(_on_fold(split, component, create, seed))
    return [
        CrossValidated(component, row)
        for component, folds in zip(components, found, strict=True)
        for row in zip(*folds, strict=True)
    ]


def describe_cross_validation(rows: Sequence[CrossValidated]) -> dict[str, Any]:
    """Describe as JSON each model's figures, and the best model of each segment of users.

    The value of a metric is its mean over folds and `spread` the standard deviation over them. Its interval is of all
    held-out pairs together with users as the sampling units, as everywhere: folds share training data, so their spread
    alone would be too narrow. The best of a segment is a model that does not use the time of what it predicts.
    """
    without = [row for row in rows if not row.in_context]
    return {
        "protocol": PROTOCOL,
        "folds": FOLDS,
        "n_ratings": int(rows[0].pooled(OVERALL).pairs.sum()),
        "models": [_describe(row) for row in rows],
        "best_by_segment": [_best(segment, without) for segment in _segments(rows[0])],
    }


def _predicts(model: Recommender, component: Component) -> PredictsRatings:
    if not isinstance(model, PredictsRatings):
        raise ConfigurationError(
            f"protocol {PROTOCOL!r} measures predicted ratings",
            seen=component.model,
            do="ask for models that predict ratings, such as --models svd",
        )
    return model


def _on_fold(split: Split, component: Component, create: Create, seed: int) -> tuple[OnFold, ...]:
    """Fit once and measure the errors, and those in context where the model and the data allow it."""
    started = time.perf_counter()
    model = create(component.model, component.params).fit(split.fitted, seed=seed)
    seconds = time.perf_counter() - started
    by_context = {False: prediction_errors(_predicts(model, component), split)}
    timed = not any(pairs[TIMESTAMP].null_count() for pairs in (split.fitted.pairs, split.held_out))
    if timed and isinstance(model, PredictsInContext):
        by_context[True] = errors_in_context(model, split)
    of_users = segments(split.fitted)
    return tuple(
        OnFold(in_context, {name: errors.select(members) for name, members in of_users.items()}, seconds)
        for in_context, errors in by_context.items()
    )


def _segments(row: CrossValidated) -> list[str]:
    """List the segments that have held-out pairs in any fold."""
    names = dict.fromkeys(name for fold in row.folds for name in fold.errors)
    return [name for name in names if len(row.pooled(name).users)]


def _describe(row: CrossValidated) -> dict[str, Any]:
    by_fold = row.by_fold()
    ends = row.pooled(OVERALL).intervals()
    triples = np.stack([by_fold.mean(axis=0), ends.low, ends.high], axis=1)
    return {
        "name": row.component.model,
        "params": dict(row.component.params),
        "in_context": row.in_context,
        "metrics": dict(zip(_METRICS, triples.tolist(), strict=True)),
        "spread": dict(zip(_METRICS, by_fold.std(axis=0, ddof=1).tolist(), strict=True)),
        "by_fold": dict(zip(_METRICS, by_fold.T.tolist(), strict=True)),
        "segments": {name: _rmse(row.pooled(name)) for name in _segments(row)},
        "fit_seconds": float(np.mean([fold.fit_seconds for fold in row.folds])),
    }


def _rmse(errors: Errors) -> list[float | None]:
    """Compute the rmse with the ends of its interval, None with a single user."""
    values, ends = errors.figures()
    triple = (values[0], ends.low[0], ends.high[0])
    return [None if np.isnan(value) else float(value) for value in triple]


def _best(segment: str, rows: Sequence[CrossValidated]) -> dict[str, Any]:
    """Find the model of the lowest rmse, and whether it is shown better than the next on the same pairs."""
    pooled = [row.pooled(segment) for row in rows]
    order = np.argsort([errors.means()[0] for errors in pooled], kind="stable")
    best = pooled[order[0]]
    described = {
        "segment": segment,
        "users": len(best.users),
        "pairs": int(best.pairs.sum()),
        "model": rows[order[0]].component.model,
        "rmse": _rmse(best),
    }
    if len(rows) < 2:
        return {**described, "next": None, "shown": False}
    gain = pooled[order[1]].squared - best.squared
    low = ratio_intervals(gain[:, None], best.pairs[:, None]).low[0]
    return {**described, "next": rows[order[1]].component.model, "shown": bool(low > 0)}
