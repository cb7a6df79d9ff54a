"""Build reranker training data: candidates of a blend fitted on part of the history, labelled by the held-out rest."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.reranker.features.all import CandidateFeatures
from models.reranker.splits import Held
from nightschool.columns import ITEM_INDEX, SCORE, USER_INDEX
from nightschool.contract import Blended, Dataset, Float32s, Indices, Mask, Pool
from nightschool.ranking.blocks import block_users, in_blocks
from nightschool.ranking.topk import top_k

_MEGABYTES = 64

Fit = Callable[[Dataset], Blended]


class TrainingBatch(NamedTuple):
    """Candidates of users who interacted with at least one of them.

    Attributes:
        features: float32 [n_candidates, n_features], one user's after the other's.
        starts: float32 [n_candidates], the blended scores.
        labels: bool [n_candidates], which of them are in the held-out rest.
        users: int32 [n_users].
        sizes: int64 [n_users], how many candidates each of them has.
    """

    features: Float32s
    starts: Float32s
    labels: Mask
    users: Indices
    sizes: NDArray[np.int64]


@dataclass(frozen=True)
class TrainingSetBuilder:
    """Makes batches of cuts.

    Attributes:
        depth: The best candidates of each user that are looked at.
        relevant_from: The lowest score of a hit, which is above zero.
        max_users: Users of each cut; drawn at random where there are more.
        seed: Seed of the draw.
    """

    depth: int
    relevant_from: float
    max_users: int
    seed: int

    def batch(self, held: Held, blended: Blended, features: CandidateFeatures) -> TrainingBatch:
        """Build the batch of one cut.

        Args:
            held: The cut.
            blended: Fitted on what the cut left.
            features: Of what the cut left.
        """
        hits = self._hits(held)
        users = np.flatnonzero((np.diff(hits.indptr) > 0) & ~held.rest.cold_users).astype(np.int32)
        if len(users) > self.max_users:
            users = np.sort(np.random.default_rng(self.seed).choice(users, self.max_users, replace=False))

        def look(block: Indices) -> TrainingBatch:
            return self._look(block, blended, features, hits)

        size = block_users(held.rest.n_items, _MEGABYTES, components=len(blended.parts) + 1)
        return join_batches(list(in_blocks(look, users, size)))

    def _look(self, users: Indices, blended: Blended, features: CandidateFeatures, hits: csr_array) -> TrainingBatch:
        pool = blended.pool(users)
        scores = blended.combine(pool, users)
        places = top_k(scores, self.depth).items
        met = (places >= 0) & _stored(hits[users], _take(pool.items, places))
        taught = np.any(met, axis=1)
        pool, scores, places, met = _of(pool, taught), scores[taught], places[taught], met[taught]
        chosen = places >= 0
        rows = features.rows(pool, places, scores, users[taught])
        return TrainingBatch(rows, _take(scores, places)[chosen], met[chosen], users[taught], chosen.sum(axis=1))

    def _hits(self, held: Held) -> csr_array:
        """Return the held-out pairs that count as hits, CSR bool [n_users, n_items]."""
        hits = held.pairs.filter(pl.col(SCORE) > 0, pl.col(SCORE) >= self.relevant_from)
        places = hits[USER_INDEX].to_numpy(), hits[ITEM_INDEX].to_numpy()
        return csr_array((np.ones(hits.height, dtype=bool), places), shape=(held.rest.n_users, held.rest.n_items))


def join_batches(batches: list[TrainingBatch]) -> TrainingBatch:
    """Concatenate batches."""
    return TrainingBatch(*(np.concatenate(arrays) for arrays in zip(*batches, strict=True)))


def _take(rows: NDArray[Any], places: Indices) -> NDArray[Any]:
    """Take the entries of each row at these places, [n, depth]; those of padding are arbitrary."""
    if not rows.shape[1]:
        return np.zeros(places.shape, dtype=rows.dtype)
    return np.take_along_axis(rows, np.maximum(places, 0), axis=1)


def _stored(matrix: csr_array, items: Indices) -> Mask:
    """Test whether each row of a matrix stores these columns, bool [n, depth]."""
    n_items = matrix.shape[1]
    rows = np.arange(len(items))
    keys = np.repeat(rows, np.diff(matrix.indptr)) * n_items + matrix.indices
    found: Mask = np.isin(rows[:, None] * n_items + items, keys)
    return found


def _of(pool: Pool, kept: Mask) -> Pool:
    """Keep some of a pool's users."""
    return Pool(pool.items[kept], pool.scores[:, kept], pool.members[kept], pool.scales[:, kept])
