"""Evaluation of recommenders on held-out pairs, user by user."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np

from nightschool.capabilities import PredictsInContext, PredictsRatings
from nightschool.columns import ITEM_INDEX, RELEVANT, SCORE, TIMESTAMP, USER_INDEX
from nightschool.contract import Blended, Float32s, Indices, Recommender, Split
from nightschool.evaluation import catalog
from nightschool.evaluation.evaluation import Errors, Evaluation
from nightschool.evaluation.facts import facts_of
from nightschool.evaluation.lists import find_hits
from nightschool.evaluation.metrics import Counts, Float64s, auc
from nightschool.evaluation.ranked_lists import RankedLists, Tally
from nightschool.ranking.blocks import block_users, in_blocks
from nightschool.ranking.candidates import rank_pool
from nightschool.ranking.topk import Ranking, allowed_items, join_rankings, rank_users

CUTOFFS = (5, 10, 20)


def relevant_users(split: Split) -> Indices:
    """Select the users to rank, int32[n] ascending: those with a relevant held-out pair and a history.

    Users without a history get their audience's list, which no recommender makes; those of them with relevant pairs
    are counted as `cold_users`.
    """
    known = _history_lengths(split) > 0
    return np.flatnonzero(known & (_relevant_counts(split) > 0)).astype(np.int32)


def evaluate(
    recommender: Recommender,
    split: Split,
    users: Indices | None = None,
    *,
    cutoffs: tuple[int, ...] = CUTOFFS,
    megabytes: int = 64,
) -> Evaluation:
    """Measure a fitted recommender on the held-out pairs: full ranking, seen items excluded.

    Args:
        recommender: Already fitted on `split.fitted`.
        split: The training data and the held-out pairs.
        users: int32[n] ascending, the users to rank; None: all of `relevant_users`.
        cutoffs: The k of the metrics.
        megabytes: Memory that a dense block of scores may take.
    """
    users = relevant_users(split) if users is None else users
    evaluation = evaluate_ranking(
        rank(recommender, users, split, max(cutoffs), megabytes), users, split, cutoffs=cutoffs
    )
    if not isinstance(recommender, PredictsRatings):
        return evaluation
    return replace(evaluation, errors=prediction_errors(recommender, split))


def evaluate_ranking(
    ranking: Ranking, users: Indices, split: Split, *, cutoffs: tuple[int, ...] = CUTOFFS
) -> Evaluation:
    """Measure lists that exist already; users without a relevant held-out pair are left out.

    Args:
        ranking: Lists [n, at least the largest cutoff].
        users: int32[n], whose list each row is.
        split: What was held out.
        cutoffs: The k of the metrics.
    """
    return evaluation_of([measure_lists(ranking, users, split, cutoffs)], [0])


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of the lists of some users, of whom others may be measured apart.

    Attributes:
        users: int32[n], the users evaluated.
        per_user: Metric to k to float64[n].
        tally: Counts of their lists.
    """

    users: Indices
    per_user: Mapping[str, catalog.Values]
    tally: Tally


def measure_lists(ranking: Ranking, users: Indices, split: Split, cutoffs: tuple[int, ...]) -> Measured:
    """Measure lists as `evaluate_ranking` does."""
    facts = facts_of(split)
    counted = facts.n_relevant[users] > 0
    users, items = users[counted], ranking.items[counted]
    hits = find_hits(items, users, facts.relevant)
    lists = RankedLists(items, users, hits, facts, split.fitted.available)
    measured = {metric.name: metric.per_user(lists, cutoffs) for metric in catalog.CATALOG if metric.per_user}
    per_user = {name: values for name, values in measured.items() if values is not None}
    return Measured(users, per_user, Tally.of(lists, cutoffs))


def evaluation_of(parts: Sequence[Measured], firsts: Sequence[int]) -> Evaluation:
    """Join what was measured of one recommender's lists of users apart.

    Args:
        parts: At least one; users are counted from 0 in each.
        firsts: The index of each part's first user among all.
    """
    users = np.concatenate([part.users + np.int32(first) for part, first in zip(parts, firsts, strict=True)])
    per_user = {
        name: {k: np.concatenate([part.per_user[name][k] for part in parts]) for k in cutoffs}
        for name, cutoffs in parts[0].per_user.items()
    }
    tally = reduce(add, (part.tally for part in parts))
    return Evaluation(
        users, per_user, {metric.name: metric.of_all(tally) for metric in catalog.CATALOG if metric.of_all}
    )


def with_auc(evaluation: Evaluation, recommender: Recommender, split: Split, *, megabytes: int = 64) -> Evaluation:
    """Add each user's AUC of relevant items against all other candidates, which takes scoring every user again."""
    history = split.fitted.history()
    relevant = facts_of(split).relevant

    def measure(block: Indices) -> Float64s:
        candidates = allowed_items(history[block], split.fitted.available)
        return auc(recommender.score(block), relevant[block].toarray(), candidates)

    values = [*in_blocks(measure, evaluation.users, block_users(split.fitted.n_items, megabytes, components=3))]
    return replace(evaluation, per_user={**evaluation.per_user, "auc": {None: np.concatenate(values)}})


def prediction_errors(recommender: PredictsRatings, split: Split) -> Errors:
    """Sum by user how far predictions are from the scores of all held-out pairs, relevant or not.

    A dislike counts as the lowest score there is.
    """
    users, items = (split.held_out[name].to_numpy() for name in (USER_INDEX, ITEM_INDEX))
    return _errors(recommender.predict(users, items), split)


def errors_in_context(recommender: PredictsInContext, split: Split) -> Errors:
    """Sum the errors of predictions that are given each held-out pair's timestamp; every pair must have one."""
    users, items = (split.held_out[name].to_numpy() for name in (USER_INDEX, ITEM_INDEX))
    instants = split.held_out[TIMESTAMP].dt.replace_time_zone(None).to_numpy()
    return _errors(recommender.predict_in_context(users, items, instants), split)


def _errors(predicted: Float32s, split: Split) -> Errors:
    pairs = split.held_out
    users = pairs[USER_INDEX].to_numpy()
    lowest = split.fitted.score_range[0] if split.fitted.score_range else 0.0
    error = predicted.astype(np.float64) - np.maximum(pairs[SCORE].to_numpy(), lowest)
    distinct, places, counts = np.unique(users, return_inverse=True, return_counts=True)
    return Errors(
        users=distinct.astype(np.int32),
        pairs=counts.astype(np.float64),
        squared=np.bincount(places, weights=error**2, minlength=len(distinct)).astype(np.float64),
        absolute=np.bincount(places, weights=np.abs(error), minlength=len(distinct)).astype(np.float64),
    )


def rank(recommender: Recommender, users: Indices, split: Split, k: int, megabytes: int) -> Ranking:
    """Rank the k best available items that each user has not seen.

    Args:
        recommender: Already fitted.
        users: int32[n].
        split: Says what was seen, and what is available.
        k: The length of a list.
        megabytes: Memory that a dense block of scores may take.
    """
    n_items = split.fitted.n_items
    if isinstance(recommender, Blended):
        # A blend ranks its pool: spreading the scores over all items would only be undone.
        size = block_users(n_items, megabytes, components=len(recommender.parts) + 1)

        def of_block(block: Indices) -> Ranking:
            pool = recommender.pool(block)
            return rank_pool(pool, recommender.combine(pool, block), k)[0]

        return join_rankings(list(in_blocks(of_block, users, size)))
    return rank_users(
        recommender.score,
        users,
        history=split.fitted.history(),
        available=split.fitted.available,
        k=k,
        block_users=block_users(n_items, megabytes),
    )


def _relevant_counts(split: Split) -> Counts:
    return np.bincount(split.held_out.filter(RELEVANT)[USER_INDEX].to_numpy(), minlength=split.fitted.n_users)


def _history_lengths(split: Split) -> Counts:
    return np.bincount(split.fitted.interactions[USER_INDEX].to_numpy(), minlength=split.fitted.n_users)
