"""Calibration on held-out choices: how often what is shown was chosen, by its place and by its score."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from nightschool.columns import VALUE
from nightschool.contract import Float32s, Indices, Mask, Recommender, Split
from nightschool.evaluation.evaluate import rank, relevant_users
from nightschool.evaluation.facts import facts_of
from nightschool.evaluation.figure_rows import Figure, figure_rows
from nightschool.evaluation.intervals import ratio_intervals
from nightschool.evaluation.lists import find_hits
from nightschool.evaluation.metrics import Counts, Float64s, ratio

CHOSEN: Final = "chosen"
"""The metric: the share of what is shown that was chosen."""
PLACE: Final = "place"
TENTH: Final = "tenth"
"""Kinds of segments of shown items: `place:01` is the first of a list, `tenth:10` has the highest scores."""

_DEPTH: Final = 10
_TENTHS: Final = 10
Shown = tuple[Float32s, Mask, Mask]
_MOST_USERS: Final = 1_000


def chosen_shares(recommender: Recommender, split: Split, model: str, *, seed: int, megabytes: int) -> pl.DataFrame:
    """Return how often what is shown was chosen, as rows of the metrics table without their release.

    Of users with a choice, of whom at most 1,000 are looked at.

    Args:
        recommender: Already fitted on `split.fitted`.
        split: The training data and the held-out pairs.
        model: Name for the column `model`.
        seed: Seed of the choice of users.
        megabytes: Memory that a dense block of scores may take.
    """
    users = choose_users(relevant_users(split), seed)
    return shares_of_chosen(*shown_to(recommender, users, split, megabytes), model, split.name)


def choose_users(relevant: Indices, seed: int) -> Indices:
    """Choose the users who are looked at, int32 ascending, of those with a choice."""
    if len(relevant) <= _MOST_USERS:
        return relevant
    chosen: Indices = np.sort(np.random.default_rng(seed).choice(relevant, _MOST_USERS, replace=False))
    return chosen


def shown_to(recommender: Recommender, users: Indices, split: Split, megabytes: int) -> Shown:
    """Return what users would be shown: its scores, whether there is anything, and whether it was chosen; [n, 10]."""
    items, scores = rank(recommender, users, split, _DEPTH, megabytes)
    return scores, items >= 0, find_hits(items, users, facts_of(split).relevant)


def shares_of_chosen(scores: Float32s, shown: Mask, hits: Mask, model: str, split: str) -> pl.DataFrame:
    """Return how often what `shown_to` returned was chosen, as rows of the metrics table without their release."""
    if not shown.any():
        return figure_rows([])
    edges = np.quantile(scores[shown], np.arange(1, _TENTHS) / _TENTHS)
    tenths = np.where(shown, np.searchsorted(edges, scores, side="right"), -1)
    members = [tenths == tenth for tenth in range(_TENTHS)]
    by_tenth = [np.stack([(of & member).sum(axis=1) for member in members], axis=1) for of in (hits, shown)]
    figures = [*_figures(PLACE, hits.astype(np.int64), shown.astype(np.int64)), *_figures(TENTH, *by_tenth)]
    return figure_rows(figures, model, split).drop_nulls(VALUE)


def _figures(kind: str, hits: Counts, shown: Counts) -> Iterator[Figure]:
    """Yield the share of each column, int64 [n_users, m] both, with users as the sampling units."""
    sums, weights = hits.astype(np.float64), shown.astype(np.float64)
    ends = ratio_intervals(sums, weights)
    shares: Float64s = ratio(sums.sum(axis=0), weights.sum(axis=0))
    for n, (share, low, high) in enumerate(zip(shares, ends.low, ends.high, strict=True), start=1):
        yield Figure(CHOSEN, float(share), None, len(hits), f"{kind}:{n:02d}", (float(low), float(high)))
