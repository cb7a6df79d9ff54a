"""Cuts of what is learned from, each made the way a test is cut, so that a reranker sees lists as tests will."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_INDEX, TIMESTAMP, USER_INDEX
from nightschool.contract import Dataset, Mask
from nightschool.data.splits.protocols import (
    BY_TIME,
    TEST_SHARE,
    WINDOWS,
    instants,
    last_of_each_user,
    places_in_groups,
    share_of,
)
from nightschool.errors import ConfigurationError

Cut = Literal["item", "user", "last", "time"]
"""A rotating share of each item's pairs or of each user's, or the last pairs of each user or of everybody."""


class Held(NamedTuple):
    """One cut.

    Attributes:
        rest: What is left to learn from.
        pairs: What is held out, in the columns of the interactions.
    """

    rest: Dataset
    pairs: pl.DataFrame


def rotating_cuts(dataset: Dataset, cut: Cut, folds: int, seed: int) -> Iterator[Held]:
    """Cut a dataset several times, each time keeping all of its users and items.

    A cut by time never holds out what came before something it leaves: the second window is cut from what the first
    one left.

    Args:
        dataset: What may be learned from.
        cut: How a cut is made.
        folds: Into how many shares `item` and `user` divide the pairs; each share is held out once.
        seed: Seed of the shares.

    Raises:
        ConfigurationError: The cut needs times, and the data have none.
    """
    pairs = dataset.pairs
    if cut not in BY_TIME:
        dealt = _shares(pairs[ITEM_INDEX if cut == "item" else USER_INDEX].to_numpy(), folds, seed)
        for fold in range(folds):
            yield _hold_out(dataset, dealt == fold)
        return
    if TIMESTAMP not in pairs.columns or not pairs[TIMESTAMP].count():
        raise ConfigurationError(f"a reranker's cut {cut!r} needs times", seen="none", do="use the cut 'user'")
    left = dataset
    for _ in range(WINDOWS):
        held = _hold_out(left, last_of_each_user(left.pairs, share_of) if cut == "last" else _last_of_all(left.pairs))
        yield held
        left = held.rest


def _shares(groups: NDArray[np.int32], folds: int, seed: int) -> NDArray[np.int64]:
    """Assign each pair to a share, int64 [n]: the pairs of a group are dealt out in random order."""
    rng = np.random.default_rng(seed)
    dealt = places_in_groups(groups, np.argsort(rng.permutation(len(groups))))
    # Each group begins with a share of its own, or the first share would hold all groups of one pair.
    return (dealt + rng.integers(folds, size=int(groups.max()) + 1)[groups]) % folds


def _last_of_all(pairs: pl.DataFrame) -> Mask:
    times = instants(pairs)
    held: Mask = times > np.quantile(times, 1 - TEST_SHARE, method="lower")
    return held


def _hold_out(dataset: Dataset, held: Mask) -> Held:
    """Split off some of the pairs that may be learned from."""
    kept = np.ones(dataset.interactions.height, dtype=bool)
    taught = slice(None) if dataset.learned is None else dataset.learned
    kept[np.flatnonzero(np.arange(len(kept)) >= 0)[taught][held]] = False
    learned = None if dataset.learned is None else dataset.learned[kept]
    rest = replace(dataset, interactions=dataset.interactions.filter(pl.Series(kept)), learned=learned)
    return Held(rest, dataset.pairs.filter(pl.Series(held)))
