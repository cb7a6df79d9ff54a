"""Rating models on five folds: mean, spread and interval of their errors, and who predicts which users best."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nightschool.capabilities import PredictsInContext, PredictsRatings
from nightschool.columns import TIMESTAMP
from nightschool.contract import Component, Recommender, Split
from nightschool.data.dataset import EventLog
from nightschool.data.splits.folds import FOLDS, PROTOCOL, fold_splits
from nightschool.errors import ConfigurationError
from nightschool.evaluation.evaluate import errors_in_context, prediction_errors
from nightschool.evaluation.evaluation import Errors
from nightschool.evaluation.intervals import ratio_intervals
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.segments import OVERALL, segments
from nightschool.night.selection.select import Create
from nightschool.progress import watch

_METRICS = ("rmse", "mae")


@dataclass(frozen=True, eq=False)
class OnFold:
    """One model's errors on one fold: by segment of its users, and how long its fit took.

    Attributes:
        in_context: Whether the predictions knew when the scores were given.
        errors: Segment to errors.
        fit_seconds: Seconds.
    """

    in_context: bool
    errors: Mapping[str, Errors]
    fit_seconds: float


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """One model's errors on all folds, its predictions in context apart from those without."""

    component: Component
    folds: tuple[OnFold, ...]

    @property
    def in_context(self) -> bool:
        """Whether the predictions knew when the scores were given."""
        return self.folds[0].in_context

    def by_fold(self) -> Float64s:
        """The rmse and mae of each fold, float64[n_folds, 2]."""
        return np.stack([fold.errors[OVERALL].figures()[0] for fold in self.folds])

    def pooled(self, segment: str) -> Errors:
        """The errors of a segment's users, each user's folds together."""
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
    """Each model's errors when every fold in turn is predicted by a fit on the others.

    A model that also predicts in context has a second row behind its first, of the same fits, where all events have
    times.

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
    """What the command prints: each model's figures, and the best model of each segment of users.

    The value of a metric is its mean over folds and `spread` the standard deviation over them. Its interval is of all
    held-out pairs together with users as the units drawn, as everywhere: folds share what they learn from, so their
    spread alone would promise too much. The best of a segment is one that does not know the time of what it predicts.
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
    """One fit's errors, then, where the model predicts in context and all events have times, those in context."""
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
    """Names of the segments that any fold has held-out pairs of."""
    names = dict.fromkeys(name for fold in row.folds for name in fold.errors)
    return [name for name in names if len(row.pooled(name).users)]


def _describe(row: CrossValidated) -> dict[str, Any]:
    by_fold = row.by_fold()
    _, ends = row.pooled(OVERALL).figures()
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
    """The rmse with the ends of its interval, None where one user leaves nothing to tell."""
    values, ends = errors.figures()
    triple = (values[0], ends.low[0], ends.high[0])
    return [None if np.isnan(value) else float(value) for value in triple]


def _best(segment: str, rows: Sequence[CrossValidated]) -> dict[str, Any]:
    """The model of the lowest rmse, and whether it is shown better than the next on the same pairs."""
    pooled = [row.pooled(segment) for row in rows]
    order = np.argsort([errors.figures()[0][0] for errors in pooled], kind="stable")
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
