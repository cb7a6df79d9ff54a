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


_KNOWN: WeakKeyDictionary[Split, Facts] = WeakKeyDictionary()


def facts_of(split: Split) -> Facts:
    """Return the facts of a split; they are computed once and cached as long as the split lives."""
    if split not in _KNOWN:
        _KNOWN[split] = _gather(split)
    return _KNOWN[split]


def _gather(split: Split) -> Facts:
    dataset = split.fitted
    seen, liked = dataset.history(), dataset.positives()
    relevant = relevant_pairs(split)
    n_seen = np.diff(seen.indptr)
    counts = np.bincount(seen.indices, minlength=dataset.n_items)
    features = features_of(dataset)
    labels = _labels(dataset)
    return Facts(
        relevant=relevant,
        n_relevant=np.diff(relevant.indptr),
        n_seen=n_seen,
        seen=seen,
        popularity=popularity_of(counts, int((n_seen > 0).sum())),
        order=_popular_first(np.bincount(liked.indices, minlength=dataset.n_items), dataset),
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
