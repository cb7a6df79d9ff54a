"""Picking a list from scored candidates under rules: how many of a kind, and how unlike one another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices


@dataclass(frozen=True, eq=False)
class ListRules:
    """What a list must be made of.

    Attributes:
        diversity: λ of maximal marginal relevance, from 0 (the best alone) to 1 (the least alike alone).
        labels: CSR float32 [n_items, n_labels], rows of length one or empty, by which items are compared.
        kinds: int32 [n_items], the kind of each item; -1 belongs to none.
        quota: Items of one kind that a list may hold; None: any number.
    """

    diversity: float
    labels: csr_array
    kinds: Indices
    quota: int | None = None

    @property
    def plain(self) -> bool:
        """Whether no rule changes the order of scores."""
        return self.diversity == 0 and self.quota is None


def pick(items: Indices, scores: Float32s, k: int, mix: ListRules) -> NDArray[np.int64]:
    """Pick the places of the k candidates that make the list, in its order, int64 [≤ k].

    Each step takes the candidate of the highest (1 − λ) · relevance − λ · (cosine to the nearest one picked), as in
    Carbonell and Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998; relevance is the score on a scale
    from 0 to 1 over the candidates. Ties go to the candidate that stands first.

    Args:
        items: int32 [n], item indices.
        scores: float32 [n], descending; -inf is never picked.
        k: Items to pick; fewer where the candidates or the quota end.
        mix: What the list must be made of.
    """
    left = np.isfinite(scores)
    if mix.plain:
        return np.flatnonzero(left)[:k]
    relevance = _from_zero_to_one(scores)
    nearest = np.zeros(len(items), dtype=np.float32)
    labels, kinds = mix.labels[items], mix.kinds[items]
    picked: list[int] = []
    while len(picked) < k and left.any():
        value = np.where(left, (1 - mix.diversity) * relevance - mix.diversity * nearest, -np.inf)
        best = int(value.argmax())
        picked.append(best)
        left[best] = False
        if mix.diversity:
            nearest = np.maximum(nearest, (labels @ labels[[best]].T.toarray()).ravel())
        if mix.quota is not None and kinds[best] >= 0 and np.sum(kinds[picked] == kinds[best]) >= mix.quota:
            left &= kinds != kinds[best]
    return np.array(picked, dtype=np.int64)


def _from_zero_to_one(scores: Float32s) -> Float32s:
    there = scores[np.isfinite(scores)]
    low, high = (there.min(), there.max()) if len(there) else (0.0, 1.0)
    return np.where(np.isfinite(scores), (scores - low) / max(high - low, 1e-9), 0).astype(np.float32)


def keep_order(scores: Float32s, first: Sequence[int]) -> Float32s:
    """Permute scores so that the highest go to the places of `first`, in its order, float32 [n].

    Places that are not in `first` keep their order behind them. It lets a list that something else has ordered meet
    changes that are given on the scale of the scores.

    Args:
        scores: float32 [n].
        first: Places, the best first.
    """
    rest = np.setdiff1d(np.argsort(-scores, kind="stable"), first, assume_unique=True)
    dealt = np.empty_like(scores)
    dealt[np.concatenate([np.asarray(first, dtype=np.int64), rest])] = np.sort(scores)[::-1]
    return dealt
