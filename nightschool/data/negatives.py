"""Negative sampling: unseen items drawn at random, for models that need counterexamples."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_INDEX, USER_INDEX
from nightschool.contract import Dataset

Int64s = NDArray[np.int64]


def sample_negatives(dataset: Dataset, per_positive: int, seed: int) -> pl.DataFrame:
    """Sample distinct pairs without an interaction: user_index, item_index (Int32), sorted.

    Each user gets `per_positive` items for each positive pair to learn from, or all there are where that is fewer,
    uniformly among the available items that the user has no pair with at any time in this dataset: neither a positive
    nor a dislike, and none that is set aside. What was held out from the dataset may be drawn, as it must: to spare a
    future positive would tell the model about it.
    """
    n_users, catalogue = dataset.n_users, np.flatnonzero(dataset.available)
    seen = dataset.interactions.filter(pl.Series(dataset.available[dataset.interactions[ITEM_INDEX].to_numpy()]))
    seers = seen[USER_INDEX].to_numpy().astype(np.int64)
    places = np.searchsorted(catalogue, seen[ITEM_INDEX].to_numpy())
    counts = np.bincount(seers, minlength=n_users)
    firsts = np.cumsum(counts) - counts
    unseen = len(catalogue) - counts
    wanted = per_positive * np.diff(dataset.positives().indptr)
    width = len(catalogue) + 1
    users, ranks = np.divmod(_distinct(np.minimum(wanted, unseen), unseen, width, np.random.default_rng(seed)), width)
    # The r-th unseen item follows all seen ones with fewer than r unseen items before them.
    unseen_before = places - (np.arange(len(seers)) - firsts[seers])
    skipped = np.searchsorted(seers * width + unseen_before, users * width + ranks, side="right") - firsts[users]
    items = catalogue[ranks + skipped]
    return pl.DataFrame({USER_INDEX: users.astype(np.int32), ITEM_INDEX: items.astype(np.int32)})


def _distinct(wanted: Int64s, limits: Int64s, width: int, rng: np.random.Generator) -> Int64s:
    """Draw distinct numbers below each row's limit, uniformly: row · width + number, ascending.

    Where more than half are wanted, those to leave out are drawn.
    """
    rows = np.arange(len(wanted))
    inverted = 2 * wanted > limits
    quota = np.where(inverted, limits - wanted, wanted)
    drawn = np.empty(0, dtype=np.int64)
    while len(drawn) < quota.sum():
        owed = np.repeat(rows, quota - np.bincount(drawn // width, minlength=len(rows)))
        # A sort knows what is sorted already; np.unique would hash it all each time.
        drawn = np.sort(np.concatenate([drawn, owed * width + rng.integers(limits[owed])]), kind="stable")
        drawn = drawn[np.diff(drawn, prepend=-1) > 0]
    sizes = np.where(inverted, limits, 0)
    theirs = np.repeat(rows, sizes)
    everything = theirs * width + np.arange(len(theirs)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.setxor1d(drawn, everything, assume_unique=True)
