"""How good lists and predictions are on what was held out, user by user."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from nightschool.columns import ITEM_INDEX, RELEVANT, SCORE, USER_INDEX
from nightschool.contract import Indices, Mask, PredictsRatings, Recommender, Split
from nightschool.evaluation.evaluation import Errors, Evaluation
from nightschool.evaluation.metrics import (
    LIST_METRICS,
    Counts,
    Float64s,
    auc,
    coverage_at,
    gini_at,
    mean_over_list,
    popularity_of,
    self_information,
)
from nightschool.ranking.topk import Ranking, allowed_items, block_users, rank_users

CUTOFFS = (5, 10, 20)


def relevant_users(split: Split) -> Indices:
    """The users to rank, int32[n] ascending: those with a relevant held-out pair and a history to learn from.

    Users without a history get their audience's list, which no recommender makes; how many have relevant pairs is the
    `cold_users` of an evaluation.
    """
    known = _history_lengths(split) > 0
    return np.flatnonzero(known & (_relevant_counts(split) > 0)).astype(np.int32)


def evaluate(
    recommender: Recommender, split: Split, *, cutoffs: tuple[int, ...] = CUTOFFS, megabytes: int = 64
) -> Evaluation:
    """The fitted recommender's metrics on the held-out pairs: full ranking, seen items excluded.

    Args:
        recommender: Already fitted on `split.fitted`.
        split: What was learned from and what was held out.
        cutoffs: The k of the metrics.
        megabytes: Memory that a dense block of scores may take.
    """
    users = relevant_users(split)
    ranking = rank_users(
        recommender.score,
        users,
        history=split.fitted.history(),
        available=split.fitted.available,
        k=max(cutoffs),
        block_users=block_users(split.fitted.n_items, megabytes),
    )
    evaluation = evaluate_ranking(ranking, users, split, cutoffs=cutoffs)
    if not isinstance(recommender, PredictsRatings):
        return evaluation
    return replace(evaluation, errors=prediction_errors(recommender, split))


def evaluate_ranking(
    ranking: Ranking, users: Indices, split: Split, *, cutoffs: tuple[int, ...] = CUTOFFS
) -> Evaluation:
    """The metrics of lists that exist already; users without a relevant held-out pair are left out.

    Args:
        ranking: Lists [n, at least the largest cutoff].
        users: int32[n], whose list each row is.
        split: What was held out.
        cutoffs: The k of the metrics.
    """
    n_relevant = _relevant_counts(split)
    counted = n_relevant[users] > 0
    users, items = users[counted], ranking.items[counted]
    hits = _hits(items, users, split)
    per_user: dict[str, Mapping[int | None, Float64s]] = {
        name: {k: metric(hits, n_relevant[users], k) for k in cutoffs} for name, metric in LIST_METRICS.items()
    }
    return Evaluation(users, per_user | _beyond_accuracy(items, split, cutoffs), _totals(items, split, cutoffs))


def with_auc(evaluation: Evaluation, recommender: Recommender, split: Split, *, megabytes: int = 64) -> Evaluation:
    """The evaluation with each user's AUC of relevant items against all other candidates; scores every user anew."""
    history = split.fitted.history()
    relevant = _as_matrix(_relevant_pairs(split), split)
    size = block_users(split.fitted.n_items, megabytes, components=3)
    values = [np.empty(0)]
    for start in range(0, len(evaluation.users), size):
        block = evaluation.users[start : start + size]
        candidates = allowed_items(history[block], split.fitted.available)
        values.append(auc(recommender.score(block), relevant[block].toarray(), candidates))
    return replace(evaluation, per_user={**evaluation.per_user, "auc": {None: np.concatenate(values)}})


def prediction_errors(recommender: PredictsRatings, split: Split) -> Errors:
    """How far predictions are from the scores of all held-out pairs, relevant or not, summed by user.

    A dislike counts as the lowest score there is.
    """
    pairs = split.held_out
    users = pairs[USER_INDEX].to_numpy()
    predicted = recommender.predict(users, pairs[ITEM_INDEX].to_numpy())
    lowest = split.fitted.score_range[0] if split.fitted.score_range else 0.0
    error = predicted.astype(np.float64) - np.maximum(pairs[SCORE].to_numpy(), lowest)
    distinct, places, counts = np.unique(users, return_inverse=True, return_counts=True)
    return Errors(
        users=distinct.astype(np.int32),
        pairs=counts.astype(np.float64),
        squared=np.bincount(places, weights=error**2, minlength=len(distinct)).astype(np.float64),
        absolute=np.bincount(places, weights=np.abs(error), minlength=len(distinct)).astype(np.float64),
    )


def _relevant_pairs(split: Split) -> pl.DataFrame:
    return split.held_out.filter(RELEVANT)


def _relevant_counts(split: Split) -> Counts:
    return np.bincount(_relevant_pairs(split)[USER_INDEX].to_numpy(), minlength=split.fitted.n_users)


def _history_lengths(split: Split) -> Counts:
    return np.bincount(split.fitted.interactions[USER_INDEX].to_numpy(), minlength=split.fitted.n_users)


def _as_matrix(pairs: pl.DataFrame, split: Split) -> csr_array:
    cells = (pairs[USER_INDEX].to_numpy(), pairs[ITEM_INDEX].to_numpy())
    return csr_array((np.ones(pairs.height, dtype=bool), cells), shape=(split.fitted.n_users, split.fitted.n_items))


def _hits(items: Indices, users: Indices, split: Split) -> Mask:
    """bool[n, depth], whether each listed item is among its user's relevant ones; padding never is."""
    n_items = split.fitted.n_items
    pairs = _relevant_pairs(split)
    relevant = pairs[USER_INDEX].to_numpy().astype(np.int64) * n_items + pairs[ITEM_INDEX].to_numpy()
    listed = users[:, None].astype(np.int64) * n_items + items
    return np.isin(listed, relevant) & (items >= 0)


def _beyond_accuracy(
    items: Indices, split: Split, cutoffs: tuple[int, ...]
) -> dict[str, Mapping[int | None, Float64s]]:
    counts = np.bincount(split.fitted.interactions[ITEM_INDEX].to_numpy(), minlength=split.fitted.n_items)
    popularity = popularity_of(counts, int((_history_lengths(split) > 0).sum()))
    values = {"novelty": self_information(popularity), "average_popularity": popularity}
    return {name: {k: mean_over_list(value, items, k) for k in cutoffs} for name, value in values.items()}


def _totals(items: Indices, split: Split, cutoffs: tuple[int, ...]) -> dict[str, Mapping[int | None, float]]:
    available = split.fitted.available
    pairs = _relevant_pairs(split)
    outside = ~available[pairs[ITEM_INDEX].to_numpy()]
    cold = (_history_lengths(split) == 0) & (_relevant_counts(split) > 0)
    return {
        "coverage": {k: coverage_at(items, available, k) for k in cutoffs},
        "gini": {k: gini_at(items, available, k) for k in cutoffs},
        "outside_candidates": {None: float(outside.mean()) if len(outside) else float("nan")},
        "cold_users": {None: float(cold.sum())},
    }
