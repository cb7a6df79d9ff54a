"""How far models come from popularity to the true probabilities of a simulation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np
import polars as pl

from nightschool.columns import TIMESTAMP, USER_INDEX
from nightschool.contract import Dataset, Float32s, Indices, Mask, Split
from nightschool.data.dataset import EventLog
from nightschool.errors import DataRefused
from nightschool.evaluation.evaluate import evaluate
from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.intervals import mean_intervals, ratio_intervals
from nightschool.evaluation.metrics import Counts, Float64s, ratio
from nightschool.offline.compare import Measured
from nightschool.ranking.blocks import block_users
from nightschool.ranking.topk import allowed_items, top_k
from nightschool.simulator.truth import Truth, elapsed_share, true_affinity

DRAWS = 200
"""Tests drawn for the expectation; their sampling error is far below that of the test's own users."""


class ByTruth:
    """A recommender that ranks by the true probability of each user's next engagement."""

    note: str | None = None

    def __init__(self, truth: Truth, dataset: Dataset, elapsed: float) -> None:
        self._truth = truth
        self._users = _numbers(dataset.user_ids, len(truth.activity))
        self._items = _numbers(dataset.item_ids, len(truth.popularity)) - 1
        self._elapsed = elapsed

    def fit(self, _dataset: Dataset, *, seed: int) -> Self:
        """Return the recommender: the truth needs no training."""
        del seed
        return self

    def score(self, user_indices: Indices) -> Float32s:
        """Score by true probabilities, float32 [n_block, n_items]."""
        return true_affinity(self._truth, self._users[user_indices], self._elapsed)[:, self._items]


@dataclass(frozen=True, eq=False)
class Oracle:
    """The quality of lists by the true probabilities on a test.

    Attributes:
        realised: Their lists measured on the pairs of the test, which were drawn by chance.
        expected: float64[n], each evaluated user's expected ndcg@k; NaN where it is not known.
        k: The k.
    """

    realised: Evaluation
    expected: Float64s
    k: int

    def share_of_way(self, evaluation: Evaluation, popularity: Evaluation) -> list[float]:
        """Compute how far an evaluation comes from popularity's ndcg@k to the expected one, with its 95 % interval."""
        known = ~np.isnan(self.expected)
        floor = popularity.values("ndcg", self.k)[known]
        made, whole = evaluation.values("ndcg", self.k)[known] - floor, self.expected[known] - floor
        ends = ratio_intervals(made[:, None], whole[:, None])
        return [float(made.sum() / whole.sum()), float(ends.low[0]), float(ends.high[0])]


def measure_oracle(log: EventLog, held_out: Mask, test: Split, truth: Truth, k: int, *, seed: int) -> Oracle:
    """Measure lists by the true probabilities at the test's time, seen items excluded.

    Args:
        log: Every event.
        held_out: bool[n_events], those of the test.
        test: The split.
        truth: What the log was simulated from.
        k: The k of the ndcg.
        seed: Seed of what is drawn.

    Raises:
        DataRefused: The log holds users or items that the truth does not know, or no times.
    """
    events = log.events.filter(pl.Series(held_out))
    middle = events[TIMESTAMP].mean()
    if not isinstance(middle, datetime):
        what = "the events of the test have no timestamps"
        raise DataRefused(what, seen=events.height, do="give a home that holds a simulation")
    oracle = ByTruth(truth, test.fitted, elapsed_share(truth, middle))
    realised = evaluate(oracle, test, cutoffs=(k,))
    n_events = np.bincount(events[USER_INDEX].to_numpy(), minlength=test.fitted.n_users)[realised.users]
    return Oracle(realised, expected_ndcg(oracle, test.fitted, realised.users, n_events, k, seed=seed), k)


def expected_ndcg(oracle: ByTruth, fitted: Dataset, users: Indices, n_events: Counts, k: int, *, seed: int) -> Float64s:
    """Estimate each user's expected ndcg@k of the list by true probability, float64[n]; NaN without new items.

    A user's n test events are drawn independently from the true probabilities; the different unseen available items
    among them are relevant. The expectation is that over all draws with a relevant item, as only such users are
    measured, estimated by `DRAWS` of them.

    Args:
        oracle: The true probabilities.
        fitted: What was seen before the test, and the catalogue.
        users: int32[n].
        n_events: int64[n], how many test events each has, repeats and seen items included.
        k: The k.
        seed: Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    history, size = fitted.history(), block_users(fitted.n_items, 64, components=6)
    values = [np.empty(0)]
    for start in range(0, len(users), size):
        block = users[start : start + size]
        allowed = allowed_items(history[block], fitted.available)
        values.append(_mean_of_draws(oracle.score(block), allowed, n_events[start : start + size], k, rng))
    return np.concatenate(values)


def _mean_of_draws(
    probabilities: Float32s, allowed: Mask, n_events: Counts, k: int, rng: np.random.Generator
) -> Float64s:
    n, n_items = probabilities.shape
    listed = top_k(np.where(allowed, probabilities, np.float32(-np.inf)), k).items
    gains = np.append(1 / np.log2(np.arange(2, k + 2)), 0.0)
    place = np.full((n, n_items), k, dtype=np.int64)
    rows, ranks = np.nonzero(listed >= 0)
    place[rows, listed[rows, ranks]] = ranks
    rows, items = _draw(probabilities, np.tile(n_events, DRAWS), rng)
    fresh = allowed[rows % n, items]
    drawn = np.unique(rows[fresh] * n_items + items[fresh])  # rows count on from draw to draw
    rows, items = drawn // n_items, drawn % n_items
    n_relevant = np.bincount(rows, minlength=n * DRAWS)
    gained = np.bincount(rows, weights=gains[place[rows % n, items]], minlength=n * DRAWS).astype(np.float64)
    ideal = np.append(0.0, np.cumsum(gains[:k]))[np.minimum(n_relevant, k)]
    ndcg = ratio(gained, ideal).reshape(DRAWS, n)
    there = ~np.isnan(ndcg)
    return ratio(np.where(there, ndcg, 0.0).sum(axis=0), there.sum(axis=0).astype(np.float64))


def _draw(probabilities: Float32s, counts: Counts, rng: np.random.Generator) -> tuple[Counts, Counts]:
    """Draw rows and items, int64[sum of counts]: so many of each row, cycling through the rows."""
    n, n_items = probabilities.shape
    bounds = np.cumsum(probabilities, axis=1, dtype=np.float64)
    bounds = bounds / bounds[:, -1:] + np.arange(n)[:, None]  # row r lies between r and r + 1
    rows = np.repeat(np.arange(len(counts)), counts)
    found = np.searchsorted(bounds.ravel(), rng.random(len(rows)) + rows % n, side="right")
    return rows, np.minimum(found - rows % n * n_items, n_items - 1)


def describe_oracle(oracle: Oracle, rows: list[Measured]) -> dict[str, Any]:
    """Describe as JSON the ndcg@k of popularity, the oracle and each model, and how far each model comes.

    Args:
        oracle: The best that any model could reach.
        rows: The models on the same test; popularity is the first.
    """
    floor = rows[0].evaluation
    ends = mean_intervals(oracle.expected[:, None])
    models = [
        {
            "name": row.name,
            "params": dict(row.params),
            "ndcg": _figure(row.evaluation, oracle.k),
            "share_of_way": oracle.share_of_way(row.evaluation, floor),
            "chosen": row.chosen,
        }
        for row in rows[1:]
    ]
    return {
        "k": oracle.k,
        "n_users": floor.n_users,
        "popularity": _figure(floor, oracle.k),
        "oracle": [float(np.nanmean(oracle.expected)), float(ends.low[0]), float(ends.high[0])],
        "oracle_realised": _figure(oracle.realised, oracle.k),
        "models": models,
    }


def _figure(evaluation: Evaluation, k: int) -> list[float]:
    return [evaluation.mean("ndcg", k), *evaluation.interval("ndcg", k)]


def _numbers(ids: pl.Series, highest: int) -> Any:
    """Convert ids to the numbers from 1 that the simulator gives, int64[n]."""
    numbers = ids.cast(pl.Int64, strict=False)
    strange = ids.filter(~numbers.is_between(1, highest).fill_null(value=False))
    if len(strange):
        do = "give the truth.parquet that was written with this home's source files"
        raise DataRefused("the truth does not know all users and items", seen=strange[0], do=do)
    return numbers.to_numpy()
