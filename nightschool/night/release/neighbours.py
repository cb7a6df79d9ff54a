"""Neighbour tables: the weights that fold a history in, and the items and users to show beside one."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from nightschool.capabilities import WeighsItems
from nightschool.columns import COMPONENT, ITEM_ID, METHOD, NEIGHBOR_ID, RANK, SCORE, SUPPORT, USER_ID, WEIGHT
from nightschool.contract import Blended, Dataset, Float32s, Indices
from nightschool.night.departed import present, rows_of_present
from nightschool.night.release.interests import interests
from nightschool.ranking.blocks import block_users
from nightschool.ranking.cosine_neighbours import nearest_by_cosine, nearest_by_mean_cosine
from nightschool.ranking.set_neighbours import Neighbours, nearest_by_sets
from nightschool.ranking.topk import Ranking, top_k
from nightschool.vocabulary import CO_OCCURRENCE, CONTENT

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


def weights_by_component(recommender: Blended, dataset: Dataset) -> dict[str, csr_array]:
    """Item weights of each component that has them, the collaborative ones first.

    Where none has any, `co_occurrence` stands in for them, unless no component explains what it lists.
    """
    weighing = {name: part for name, part in recommender.parts.items() if isinstance(part, WeighsItems)}
    if not weighing and not recommender.unexplained.issuperset(recommender.parts):
        return {CO_OCCURRENCE: co_occurrence(dataset)}
    return {name: weighing[name].item_weights() for name in sorted(weighing, key=lambda name: name == CONTENT)}


def co_occurrence(dataset: Dataset) -> csr_array:
    """Cosine of the sets of users who like two items, the 100 largest of each item, CSR float32 [n_items, n_items]."""
    alike = nearest_by_sets(dataset.positives().T.tocsr(), _WEIGHTS_AN_ITEM, min_support=1)
    found = alike.rows >= 0
    starts = np.concatenate([[0], np.cumsum(found.sum(axis=1))])
    weights = csr_array((alike.scores[found], alike.rows[found], starts), shape=(dataset.n_items, dataset.n_items))
    weights.sort_indices()
    return weights


def item_weights(weights: Mapping[str, csr_array], dataset: Dataset) -> pl.DataFrame:
    """Return component, item_id (of the history), neighbor_id (to recommend, available), weight."""
    named = [(name, _triples(matrix, dataset)) for name, matrix in weights.items()]
    nothing = [("", _triples(csr_array((dataset.n_items, dataset.n_items), dtype=np.float32), dataset))]
    frames = [rows.select(pl.lit(name).alias(COMPONENT), pl.all()) for name, rows in named or nothing]
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


def similar_items(weights: Mapping[str, csr_array], dataset: Dataset, megabytes: int) -> pl.DataFrame:
    """item_id, neighbor_id, rank, score: up to 20 available neighbours of each item.

    They come from the first component that knows any for the item; where none does, from co-occurrence.
    """
    size = block_users(dataset.n_items, megabytes, components=2)
    known = weights if CO_OCCURRENCE in weights else {**weights, CO_OCCURRENCE: co_occurrence(dataset)}
    found = []
    for start in range(0, dataset.n_items, size):
        rows = np.arange(start, min(start + size, dataset.n_items), dtype=np.int32)
        scores = np.zeros((len(rows), dataset.n_items), dtype=np.float32)
        for matrix in known.values():
            _fill_quiet(scores, matrix[rows].toarray(), rows, dataset)
        found.append(_neighbours(scores, rows, dataset))
    return pl.concat(found).sort(ITEM_ID, RANK)


def similar_users(dataset: Dataset) -> pl.DataFrame:
    """user_id, neighbor_id, method, rank, score, support: up to 10 users by each of three methods, with a history.

    `co_engagement` is the cosine of what two users like, among all of them. `interests` is the cosine of their tags,
    among all up to 12,000 users; of more, each is compared with a panel that shrinks as they grow, down to 1,000 users
    drawn by the hash of their id, since all pairs would take the night. `combined` is the mean of both cosines, over
    the 50 best of either method. Without any tags, it is co-engagement. Users who have left are in no row.
    """
    likes, tags = (rows_of_present(rows, dataset) for rows in (dataset.positives(), interests(dataset)))
    if not tags.nnz:
        alike = nearest_by_sets(likes, SIMILAR_USERS, MIN_SUPPORT)
        return _by_method({CO_ENGAGEMENT: alike, COMBINED: alike}, dataset)
    together = nearest_by_sets(likes, _CANDIDATES, MIN_SUPPORT)
    kindred = nearest_by_cosine(tags, _panel(dataset), _CANDIDATES, MIN_SUPPORT)
    candidates = np.concatenate([together.rows, kindred.rows], axis=1)
    combined = nearest_by_mean_cosine(tags, likes, candidates, SIMILAR_USERS, MIN_SUPPORT)
    return _by_method({CO_ENGAGEMENT: together, INTERESTS: kindred, COMBINED: combined}, dataset)


def _panel(dataset: Dataset) -> Indices:
    """Whom tags are compared with; indices are in the order of hashes, so that the first are drawn by chance."""
    met = np.flatnonzero(~dataset.cold_users & present(dataset)).astype(np.int32)
    return met[: max(_SMALLEST_PANEL, _COMPARISONS // max(dataset.n_users, 1))]


def _by_method(found: Mapping[str, Neighbours], dataset: Dataset) -> pl.DataFrame:
    """The first ten of each method, in the order of the table's key."""
    frames = []
    for method, alike in found.items():
        users, places = np.nonzero(alike.rows[:, :SIMILAR_USERS] >= 0)
        frames.append(
            pl.DataFrame(
                {
                    USER_ID: dataset.user_ids[users],
                    NEIGHBOR_ID: dataset.user_ids[alike.rows[users, places]],
                    METHOD: pl.repeat(method, len(users), dtype=pl.String, eager=True),
                    RANK: (places + 1).astype(np.int32),
                    SCORE: alike.scores[users, places],
                    SUPPORT: alike.support[users, places],
                }
            )
        )
    return pl.concat(frames).sort(USER_ID, METHOD, RANK)


def _fill_quiet(scores: Float32s, other: Float32s, rows: Indices, dataset: Dataset) -> None:
    """Gives the items without a neighbour those of `other`; nothing is its own neighbour, or an unavailable item."""
    other[np.arange(len(rows)), rows] = 0.0
    other[:, ~dataset.available] = 0.0
    quiet = ~(scores > 0).any(axis=1)
    scores[quiet] = other[quiet]


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
