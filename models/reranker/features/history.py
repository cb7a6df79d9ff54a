"""Features of candidates from what a user liked: how near each candidate is to it, and which labels it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from scipy.sparse import csr_array, vstack

from models.autoencoders.item_gram import ItemGram, Sequences, likes_by_time
from models.reranker.features.base import Candidates, FeatureGroup
from nightschool.columns import ITEM_INDEX, USER_INDEX
from nightschool.contract import Dataset, Float32s
from nightschool.data.features import feature_parts
from nightschool.data.labels import one_hot
from nightschool.ranking.truncate import keep_largest

_NEIGHBOURS = 200
_BLOCK_BYTES = 64 << 20
_PRIOR = 5.0  # items of everybody's taste that are added to a user's own
_SIGHTS = ("nearest", "2nd nearest", "3rd nearest", "sum", "last")


@dataclass(frozen=True, eq=False)
class Nearness(FeatureGroup):
    """How near a candidate is to the items of a history: the three nearest of them, their sum, and the latest one.

    Nearness is the cosine of two items' users, of their descriptions, and how close in time they are liked
    (`models.autoencoders.item_gram`). Each item of a history is near to 200 others and no more. Each column is
    standardised over the user's candidates, since items grow nearer with more users and sums with longer histories.

    Attributes:
        liked: CSR float32 [n_users, n_items] of ones, each row in the order of time.
        co_likes: CSR float32 [n_items, n_items], from an item of a history to candidates.
        in_time: The same.
        in_content: The same.
    """

    by_user = ("liked",)

    liked: csr_array
    co_likes: csr_array
    in_time: csr_array
    in_content: csr_array

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Compute the relations of all items."""
        return cls.with_content(dataset, content_nearness(dataset))

    @classmethod
    def with_content(cls, dataset: Dataset, in_content: csr_array) -> Self:
        """Compute the relations of all items, given those that `content_nearness` found."""
        likes = dataset.positives()
        nothing = csr_array((dataset.n_items, 0), dtype=np.float32)
        none = csr_array((0, dataset.n_items), dtype=np.float32)
        sequences = Sequences.of(dataset, np.arange(dataset.n_items), dataset.n_items)
        co_likes = _nearest(ItemGram.of_likes(likes))
        in_time = _nearest(ItemGram(none, nothing, sequences, cotime=1.0))
        return cls(_in_order(dataset), co_likes, in_time, in_content)

    @property
    def names(self) -> Sequence[str]:
        """Name of each column."""
        return [f"{sight} {by}" for by in ("by users", "in time", "in content") for sight in _SIGHTS]

    def columns(self, candidates: Candidates) -> Float32s:
        """Compute the columns, float32 [n_names, n_candidates]; zeros where the candidates are all as near."""
        relations = (self.co_likes, self.in_time, self.in_content)
        found = np.zeros((len(relations), len(_SIGHTS), len(candidates.items)), dtype=np.float32)
        liked = self.liked[candidates.users]
        for relation, columns in zip(relations, found, strict=True):
            weights = (relation.indptr, relation.indices, relation.data)
            _look((liked.indptr, liked.indices), weights, candidates.starts, candidates.items, columns)
        columns = found.reshape(len(self.names), len(candidates.items))
        standardise(columns, candidates.starts)
        return columns


@dataclass(frozen=True, eq=False)
class Tastes(FeatureGroup):
    """How much more often a user meets the labels of a candidate than everybody does: the logarithm of the ratio.

    Attributes:
        labels: CSR float32 [n_items, n_labels].
        common: float32 [n_labels], how many labels of this kind an item that is liked has on average.
        liked: CSR float32 [n_users, n_items] of ones.
    """

    by_user = ("liked",)

    labels: csr_array
    common: Float32s
    liked: csr_array

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Count how common each label is among likes."""
        labels = one_hot(dataset.items, dataset.item_columns.names)
        likes = dataset.positives()
        counts = np.bincount(likes.indices, minlength=dataset.n_items).astype(np.float32)
        common = (counts @ labels) / max(likes.nnz, 1)
        return cls(labels, common.astype(np.float32), likes)

    @property
    def names(self) -> Sequence[str]:
        """Name of each column."""
        return ("mean taste for its labels", "least taste for its labels", "most taste for its labels")

    def columns(self, candidates: Candidates) -> Float32s:
        """Compute the columns, float32 [n_names, n_candidates]; NaN of items without labels."""
        found = np.full((3, len(candidates.items)), np.nan, dtype=np.float32)
        liked = self.liked[candidates.users]
        labels = (self.labels.indptr, self.labels.indices)
        _taste((liked.indptr, liked.indices), labels, self.common, candidates.starts, candidates.items, found)
        return found


def content_nearness(dataset: Dataset) -> csr_array:
    """Find the items nearest in content, CSR float32 [n_items, n_items]; the same for all cuts of a dataset."""
    features = feature_parts(dataset)
    none = csr_array((0, dataset.n_items), dtype=np.float32)
    vectors = features.dense if features.dense.shape[1] else None
    return _nearest(ItemGram(none, features.sparse, Sequences.none(dataset.n_items), content=1.0, vectors=vectors))


def _nearest(item_gram: ItemGram) -> csr_array:
    """Keep the largest entries of G in each row, divided by the roots of both items' diagonals."""
    diagonal = np.sqrt(item_gram.diagonal())
    scale = np.divide(1, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0).astype(np.float32)
    step = max(1, _BLOCK_BYTES // (4 * max(item_gram.n_items, 1)))
    kept = []
    for start in range(0, item_gram.n_items, step):
        items = np.arange(start, min(start + step, item_gram.n_items))
        rows = item_gram.rows(items, np.float32)
        rows *= scale[items, None] * scale
        rows[items - start, items] = 0
        kept.append(keep_largest(rows, _NEIGHBOURS))
    return vstack(kept, format="csr")


def _in_order(dataset: Dataset) -> csr_array:
    """Return each user's likes, CSR float32 [n_users, n_items] of ones, each row by time; those without come first."""
    liked = likes_by_time(dataset)
    counts = np.bincount(liked[USER_INDEX].to_numpy(), minlength=dataset.n_users)
    items = liked[ITEM_INDEX].to_numpy()
    starts = np.concatenate([[0], np.cumsum(counts)])
    return csr_array((np.ones(len(items), dtype=np.float32), items, starts), shape=(dataset.n_users, dataset.n_items))


@njit(nogil=True, cache=True)
def _look(liked, relation, starts, items, found):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Fill `found`, [n_sights, n_candidates]."""
    history_starts, history = liked
    near_starts, neighbours, weights = relation
    entry_of = np.full(len(near_starts) - 1, -1, dtype=np.int64)
    for row in range(len(starts) - 1):
        for entry in range(starts[row], starts[row + 1]):
            entry_of[items[entry]] = entry
        own = history[history_starts[row] : history_starts[row + 1]]
        for place in range(len(own)):
            for near in range(near_starts[own[place]], near_starts[own[place] + 1]):
                entry = entry_of[neighbours[near]]
                if entry >= 0:
                    _see(found, entry, weights[near], place == len(own) - 1)
        for entry in range(starts[row], starts[row + 1]):
            entry_of[items[entry]] = -1


@njit(cache=True)
def _see(found, entry, weight, is_last):  # type: ignore[no-untyped-def]  # as above
    found[3, entry] += weight
    if is_last:
        found[4, entry] = weight
    if weight > found[0, entry]:
        found[2, entry], found[1, entry], found[0, entry] = found[1, entry], found[0, entry], weight
    elif weight > found[1, entry]:
        found[2, entry], found[1, entry] = found[1, entry], weight
    elif weight > found[2, entry]:
        found[2, entry] = weight


@njit(nogil=True, cache=True)
def standardise(columns, starts):  # type: ignore[no-untyped-def]  # as above
    """Standardise each column over a user's candidates; zeros where all are equal."""
    for column in range(len(columns)):
        for row in range(len(starts) - 1):
            own = columns[column, starts[row] : starts[row + 1]]
            if len(own) == 0:
                continue
            own -= own.mean()
            deviation = own.std()
            for place in range(len(own)):
                own[place] = own[place] / deviation if deviation > 1e-6 else np.float32(0)


@njit(nogil=True, cache=True)
def _taste(liked, labels, common, starts, items, found):  # type: ignore[no-untyped-def]  # as above
    """Fill `found`, [3, n_candidates]."""
    history_starts, history = liked
    label_starts, label_of = labels
    for row in range(len(starts) - 1):
        own = history[history_starts[row] : history_starts[row + 1]]
        tastes = np.float32(_PRIOR) * common
        for place in range(len(own)):
            for label in label_of[label_starts[own[place]] : label_starts[own[place] + 1]]:
                tastes[label] += 1
        for entry in range(starts[row], starts[row + 1]):
            theirs = label_of[label_starts[items[entry]] : label_starts[items[entry] + 1]]
            if len(theirs) == 0:
                continue
            total, least, most = np.float32(0), np.float32(np.inf), np.float32(-np.inf)
            for label in theirs:
                share = max(common[label], np.float32(1e-6))
                taste = np.log((tastes[label] + 1e-6) / (share * (len(own) + np.float32(_PRIOR))))
                total += taste
                least, most = min(least, taste), max(most, taste)
            found[0, entry], found[1, entry], found[2, entry] = total / len(theirs), least, most
