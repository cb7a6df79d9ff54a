"""Neighbour tables: item weights for folding in a history, similar items and similar users."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from nightschool.capabilities import WeighsItems
from nightschool.columns import (
    COMPONENT,
    ITEM_ID,
    METHOD,
    NEIGHBOR_ID,
    RANK,
    RECENCY,
    SCORE,
    SUPPORT,
    USER_ID,
    WEIGHT,
)
from nightschool.contract import Blended, Dataset, Float32s, Indices
from nightschool.data.vectors import vectors_of
from nightschool.night.departed import present, rows_of_present
from nightschool.night.release.interests import interests
from nightschool.ranking.blocks import block_users
from nightschool.ranking.cosine_neighbours import nearest_by_cosine, nearest_by_mean_cosine
from nightschool.ranking.foldin import ItemWeights, stand_in_order
from nightschool.ranking.set_neighbours import Neighbours, nearest_by_sets
from nightschool.ranking.topk import Ranking, top_k
from nightschool.ranking.truncate import keep_largest
from nightschool.vocabulary import CO_OCCURRENCE

NEIGHBOURS = 20
SIMILAR_USERS = 10
MIN_SUPPORT = 2
CO_ENGAGEMENT = "co_engagement"
INTERESTS = "interests"
COMBINED = "combined"
_WEIGHTS_AN_ITEM = 100
_CANDIDATES = 50
_COMPARISONS = 12_000**2
_SMALLEST_PANEL = 1_000


def weights_by_component(recommender: Blended, co_occurring: csr_array) -> dict[str, ItemWeights]:
    """Return the item weights of each component that has them, in the order of `stand_in_order`.

    Where no component has any, `co_occurrence` replaces them, unless no component explains its items.
    """
    weighing = {name: ItemWeights.of(part) for name, part in recommender.parts.items() if isinstance(part, WeighsItems)}
    if not weighing and not recommender.unexplained.issuperset(recommender.parts):
        return {CO_OCCURRENCE: ItemWeights(co_occurring)}
    return {name: weighing[name] for name in stand_in_order(weighing, recommender.parts)}


def co_occurrence(dataset: Dataset) -> csr_array:
    """Compute the cosine of the users of two items, the 100 largest of each item: CSR float32 [n_items, n_items]."""
    similar = nearest_by_sets(dataset.positives().T.tocsr(), _WEIGHTS_AN_ITEM, min_support=1)
    found = similar.rows >= 0
    starts = np.concatenate([[0], np.cumsum(found.sum(axis=1))])
    weights = csr_array((similar.scores[found], similar.rows[found], starts), shape=(dataset.n_items, dataset.n_items))
    weights.sort_indices()
    return weights


def strongest_cosines(shared: Float32s, sizes: Float32s, items: range) -> csr_array:
    """Compute rows of `co_occurrence` from counts of users, CSR float32 [len(items), n_items].

    Args:
        shared: float32 [len(items), n_items], the users who like both of two items.
        sizes: float32 [n_items], the users who like each item.
        items: The items of the rows.
    """
    own = np.arange(len(items))
    shared[own, list(items)] = 0
    norms = np.sqrt(sizes[items.start : items.stop].astype(np.float64)[:, None] * sizes.astype(np.float64))
    return keep_largest((shared / np.maximum(norms, 1)).astype(np.float32), _WEIGHTS_AN_ITEM)


def item_weights(weights: Mapping[str, ItemWeights], dataset: Dataset) -> pl.DataFrame:
    """Return the table of weights: component, item_id (of the history), neighbor_id (available), weight, recency."""
    nothing = {"": ItemWeights(csr_array((dataset.n_items, dataset.n_items), dtype=np.float32))}
    frames = [
        _triples(each.matrix, dataset).select(
            pl.lit(name).alias(COMPONENT), pl.all(), pl.lit(each.recency, pl.Float32).alias(RECENCY)
        )
        for name, each in (weights or nothing).items()
    ]
    return pl.concat(frames).sort(COMPONENT, ITEM_ID, NEIGHBOR_ID)


def _triples(matrix: csr_array, dataset: Dataset) -> pl.DataFrame:
    entries = matrix.tocoo()
    there = dataset.available[entries.col]
    return pl.DataFrame(
        {
            ITEM_ID: dataset.item_ids[entries.row[there]],
            NEIGHBOR_ID: dataset.item_ids[entries.col[there]],
            WEIGHT: entries.data[there].astype(np.float32),
        }
    )


def similar_items(
    weights: Mapping[str, ItemWeights], co_occurring: csr_array, dataset: Dataset, megabytes: int
) -> pl.DataFrame:
    """Return up to 20 available neighbours of each item: item_id, neighbor_id, rank, score.

    They come from the first component that has any for the item; where none does, from co-occurrence, and then from
    vectors. Weights that fade say what follows an item, not what is similar to it, and are left out.
    """
    size = block_users(dataset.n_items, megabytes, components=2)
    known = {name: each.matrix for name, each in weights.items() if each.recency is None}
    known.setdefault(CO_OCCURRENCE, co_occurring)
    units = vectors_of(dataset).units()
    found = []
    for start in range(0, dataset.n_items, size):
        rows = np.arange(start, min(start + size, dataset.n_items), dtype=np.int32)
        scores = np.zeros((len(rows), dataset.n_items), dtype=np.float32)
        for matrix in known.values():
            _fill_empty(scores, matrix[rows].toarray(), rows, dataset)
        if units.shape[1]:
            _fill_empty(scores, units[rows] @ units.T, rows, dataset)
        found.append(_neighbours(scores, rows, dataset))
    return pl.concat(found).sort(ITEM_ID, RANK)


def similar_users(dataset: Dataset) -> pl.DataFrame:
    """Return up to 10 similar users of each user by each of three methods, with their score and support.

    Columns: user_id, neighbor_id, method, rank, score, support. Neighbours have a history.

    `co_engagement` is the cosine of the items that two users like, among all users. `interests` is the cosine of their
    tags, among all up to 12,000 users; of more, each is compared with a panel that shrinks as they grow, down to 1,000
    users drawn by the hash of their id, since all pairs would take the night. `combined` is the mean of both cosines,
    over the 50 best of either method. Without any tags, it is co-engagement. Users who have left are in no row.
    """
    likes, tags = (rows_of_present(rows, dataset) for rows in (dataset.positives(), interests(dataset)))
    if not tags.nnz:
        similar = nearest_by_sets(likes, SIMILAR_USERS, MIN_SUPPORT)
        return _by_method({CO_ENGAGEMENT: similar, COMBINED: similar}, dataset)
    by_items = nearest_by_sets(likes, _CANDIDATES, MIN_SUPPORT)
    by_tags = nearest_by_cosine(tags, _panel(dataset), _CANDIDATES, MIN_SUPPORT)
    candidates = np.concatenate([by_items.rows, by_tags.rows], axis=1)
    combined = nearest_by_mean_cosine(tags, likes, candidates, SIMILAR_USERS, MIN_SUPPORT)
    return _by_method({CO_ENGAGEMENT: by_items, INTERESTS: by_tags, COMBINED: combined}, dataset)


def _panel(dataset: Dataset) -> Indices:
    """Return the users that tags are compared with; the first indices are a random sample, as ids are hashed."""
    active = np.flatnonzero(~dataset.cold_users & present(dataset)).astype(np.int32)
    return active[: max(_SMALLEST_PANEL, _COMPARISONS // max(dataset.n_users, 1))]


def _by_method(found: Mapping[str, Neighbours], dataset: Dataset) -> pl.DataFrame:
    """Return the first ten of each method, in the order of the table's key."""
    frames = []
    for method, similar in found.items():
        users, places = np.nonzero(similar.rows[:, :SIMILAR_USERS] >= 0)
        frames.append(
            pl.DataFrame(
                {
                    USER_ID: dataset.user_ids[users],
                    NEIGHBOR_ID: dataset.user_ids[similar.rows[users, places]],
                    METHOD: pl.repeat(method, len(users), dtype=pl.String, eager=True),
                    RANK: (places + 1).astype(np.int32),
                    SCORE: similar.scores[users, places],
                    SUPPORT: similar.support[users, places],
                }
            )
        )
    return pl.concat(frames).sort(USER_ID, METHOD, RANK)


def _fill_empty(scores: Float32s, other: Float32s, rows: Indices, dataset: Dataset) -> None:
    """Fill items without a neighbour from `other`, in place; itself and unavailable items are no neighbours."""
    other[np.arange(len(rows)), rows] = 0.0
    other[:, ~dataset.available] = 0.0
    empty = ~(scores > 0).any(axis=1)
    scores[empty] = other[empty]


def _neighbours(scores: Float32s, rows: Indices, dataset: Dataset) -> pl.DataFrame:
    scores[scores <= 0] = -np.inf
    ranked: Ranking = top_k(scores, NEIGHBOURS)
    found, places = np.nonzero(ranked.items >= 0)
    return pl.DataFrame(
        {
            ITEM_ID: dataset.item_ids[rows[found]],
            NEIGHBOR_ID: dataset.item_ids[ranked.items[found, places]],
            RANK: (places + 1).astype(np.int32),
            SCORE: ranked.scores[found, places],
        }
    )
