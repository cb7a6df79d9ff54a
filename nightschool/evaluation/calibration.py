"""Calibration on held-out choices: how often what is shown was chosen, by its place and by its score."""

from typing import Final

import numpy as np
import polars as pl

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, METRICS, MODEL, N_USERS, RELEASE_ID, SEGMENT, SPLIT, VALUE, K
from nightschool.contract import Recommender, Split
from nightschool.evaluation.evaluate import rank, relevant_users
from nightschool.evaluation.facts import facts_of
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
_MOST_USERS: Final = 1_000
_METRICS: Final = METRICS.schema(user_id=pl.Int64(), item_id=pl.Int64())
_SCHEMA: Final = pl.Schema({name: dtype for name, dtype in _METRICS.items() if name != RELEASE_ID})


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
    users = relevant_users(split)
    if len(users) > _MOST_USERS:
        users = np.sort(np.random.default_rng(seed).choice(users, _MOST_USERS, replace=False))
    items, scores = rank(recommender, users, split, _DEPTH, megabytes)
    shown, hits = items >= 0, find_hits(items, users, facts_of(split).relevant)
    if not shown.any():
        return pl.DataFrame(schema=_SCHEMA)
    edges = np.quantile(scores[shown], np.arange(1, _TENTHS) / _TENTHS)
    tenths = np.where(shown, np.searchsorted(edges, scores, side="right"), -1)
    members = [tenths == tenth for tenth in range(_TENTHS)]
    by_tenth = [np.stack([(of & member).sum(axis=1) for member in members], axis=1) for of in (hits, shown)]
    rows = [_rows(PLACE, hits.astype(np.int64), shown.astype(np.int64)), _rows(TENTH, *by_tenth)]
    named = pl.concat(rows).with_columns(
        pl.lit(model).alias(MODEL),
        pl.lit(split.name).alias(SPLIT),
        pl.lit(CHOSEN).alias(METRIC),
        pl.lit(None).alias(K),
        pl.lit(len(users)).alias(N_USERS),
    )
    return named.drop_nulls(VALUE).select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())


def _rows(kind: str, hits: Counts, shown: Counts) -> pl.DataFrame:
    sums, weights = hits.astype(np.float64), shown.astype(np.float64)
    ends = ratio_intervals(sums, weights)
    values: Float64s = ratio(sums.sum(axis=0), weights.sum(axis=0))
    frame = pl.DataFrame({VALUE: values, CI_LOW: ends.low, CI_HIGH: ends.high}).fill_nan(None)
    return frame.with_columns(pl.Series(SEGMENT, [f"{kind}:{n:02d}" for n in range(1, sums.shape[1] + 1)]))
