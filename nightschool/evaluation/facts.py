"""Facts of a split that metrics need, computed once for all recommenders that are measured on it."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from scipy.sparse import csr_array

from nightschool.columns import ITEM_INDEX, RELEVANT, USER_INDEX
from nightschool.contract import Dataset, Indices, Split
from nightschool.data.features import features_of
from nightschool.data.labels import one_hot
from nightschool.evaluation.metrics import Counts, Float64s, popularity_of
from nightschool.histories import positive


@dataclass(frozen=True, eq=False)
class Facts:
    """Facts of a split that lists are measured against.

    Attributes:
        relevant: CSR bool [n_users, n_items], the held-out pairs that count, indices ascending.
        n_relevant: int64[n_users], how many each user has.
        n_seen: int64[n_users], the length of each user's history.
        seen: CSR [n_users, n_items], the history.
        popularity: float64[n_items], the share of users who have each item.
        order: int32[n_items], each item's place by the number of users who like it among the available ones, ties by
            index; n_items where it is not available.
        features: CSR float32 [n_items, n_features], the features of each item; None where no item is described.
        labels: CSR float64 [n_items, n_labels], each item's weight of one spread evenly over its labels, of the first
            category column or else the first list; None where the dataset has neither.
        tastes: CSR float64 [n_users, n_labels], the mean labels of what each user has liked, in the training data or
            not; None likewise.
    """

    relevant: csr_array
    n_relevant: Counts
    n_seen: Counts
    seen: csr_array
    popularity: Float64s
    order: Indices
    features: csr_array | None
    labels: csr_array | None
    tastes: csr_array | None


@dataclass(frozen=True, eq=False)
class ItemCounts:
    """Counts of a split's training data by item; those of users apart add up.

    Attributes:
        seen: int64[n_items], the users who have each item.
        liked: int64[n_items], the users who like it, of those that are learned from.
        n_users: The users with a history.
    """

    seen: Counts
    liked: Counts
    n_users: int

    def __add__(self, other: "ItemCounts") -> "ItemCounts":
        """Return the counts of both."""
        return ItemCounts(self.seen + other.seen, self.liked + other.liked, self.n_users + other.n_users)

    @classmethod
    def of(cls, dataset: Dataset) -> "ItemCounts":
        """Count the items of a dataset."""
        seen, n_items = dataset.history(), dataset.n_items
        return cls(
            np.bincount(seen.indices, minlength=n_items),
            np.bincount(dataset.positives().indices, minlength=n_items),
            int((np.diff(seen.indptr) > 0).sum()),
        )


_KNOWN: WeakKeyDictionary[Split, Facts] = WeakKeyDictionary()


def facts_of(split: Split) -> Facts:
    """Return the facts of a split; they are computed once and cached as long as the split lives."""
    if split not in _KNOWN:
        gather_facts(split, ItemCounts.of(split.fitted))
    return _KNOWN[split]


def gather_facts(split: Split, counts: ItemCounts) -> None:
    """Gather the facts of a split for `facts_of`, given the counts of all users, some of whom may be elsewhere."""
    dataset = split.fitted
    seen = dataset.history()
    relevant = relevant_pairs(split)
    features = features_of(dataset)
    labels = _labels(dataset)
    _KNOWN[split] = Facts(
        relevant=relevant,
        n_relevant=np.diff(relevant.indptr),
        n_seen=np.diff(seen.indptr),
        seen=seen,
        popularity=popularity_of(counts.seen, counts.n_users),
        order=_popular_first(counts.liked, dataset),
        features=features if features.nnz else None,
        labels=labels,
        tastes=None if labels is None else _shares(positive(seen) @ labels),
    )


def relevant_pairs(split: Split) -> csr_array:
    """Return the held-out pairs that count, CSR bool [n_users, n_items], indices ascending."""
    pairs = split.held_out.filter(RELEVANT)
    cells = (pairs[USER_INDEX].to_numpy(), pairs[ITEM_INDEX].to_numpy())
    shape = (split.fitted.n_users, split.fitted.n_items)
    return csr_array((np.ones(pairs.height, dtype=bool), cells), shape=shape)


def _popular_first(counts: Counts, dataset: Dataset) -> Indices:
    order = np.full(dataset.n_items, dataset.n_items, dtype=np.int32)
    best_first = np.argsort(-counts, kind="stable")
    shown = best_first[dataset.available[best_first]]
    order[shown] = np.arange(len(shown), dtype=np.int32)
    return order


def _labels(dataset: Dataset) -> csr_array | None:
    columns = (*dataset.item_columns.categories, *dataset.item_columns.lists)
    if not columns:
        return None
    labels = one_hot(dataset.items, columns[:1])
    return _shares(labels) if labels.nnz else None


def _shares(weights: csr_array) -> csr_array:
    """Divide each row by its sum, CSR float64; empty rows stay empty."""
    shares = weights.astype(np.float64)
    sums = np.asarray(shares.sum(axis=1))
    shares.data /= np.repeat(sums, np.diff(shares.indptr))
    return shares
