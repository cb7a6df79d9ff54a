"""Cuts of what is learned from, each made the way a test is cut, so that a reranker sees lists as tests will."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_INDEX, USER_INDEX
from nightschool.contract import Dataset, Mask
from nightschool.data.splits.protocols import (
    TEST_SHARE,
    WINDOWS,
    HowMany,
    instants,
    last_of_each_user,
    one_of,
    places_in_groups,
    share_of,
)
from nightschool.errors import ConfigurationError

Cut = Literal["item", "user", "last", "next", "time"]
"""A rotating share of each item's pairs or of each user's; the last share of each user's or the last one; or the last
of everybody's."""


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

    A cut by order or time never holds out what came before something it leaves: each is cut from what the one before
    left, and of users whose last pairs it holds out it leaves nothing that came later, even if it is only seen.

    Args:
        dataset: What may be learned from.
        cut: How a cut is made.
        folds: Into how many shares `item` and `user` divide the pairs, each of which is held out once; and how often
            `next` is cut.
        seed: Seed of the shares.

    Raises:
        ConfigurationError: The cut needs order or times, and the data have none.
    """
    if cut in ("item", "user"):
        dealt = _shares(dataset.pairs[ITEM_INDEX if cut == "item" else USER_INDEX].to_numpy(), folds, seed)
        for fold in range(folds):
            yield _hold_out(dataset, dealt == fold)
        return
    known, what = (
        (dataset.has_times, "times") if cut == "time" else (dataset.has_order, "an order of each user's pairs")
    )
    if not known:
        raise ConfigurationError(f"a reranker's cut {cut!r} needs {what}", seen="none", do="use the cut 'user'")
    left = dataset
    for _ in range(folds if cut == "next" else WINDOWS):
        held = _hold_out(left, _last_of_all(left.pairs)) if cut == "time" else _last_of_each(left, _HOW_MANY[cut])
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


_HOW_MANY = {"last": share_of, "next": one_of}


def _last_of_each(dataset: Dataset, how_many: HowMany) -> Held:
    """Hold out the last of each user's pairs that may be learned from, and leave nothing that came after them."""
    places = dataset.places
    assert places is not None, "the pairs have an order"  # noqa: S101
    learned = slice(None) if dataset.learned is None else dataset.learned
    users, newer = dataset.interactions[USER_INDEX].to_numpy(), places[learned]
    held = last_of_each_user(users[learned], -newer, how_many)
    oldest = np.full(dataset.n_users, -1)
    np.maximum.at(oldest, users[learned][held], newer[held])
    return _hold_out(dataset, held, places > oldest[users])


def _hold_out(dataset: Dataset, held: Mask, kept: Mask | None = None) -> Held:
    """Split off some of the pairs that may be learned from; keep of all pairs those given, else the others."""
    if kept is None:
        kept = np.ones(dataset.interactions.height, dtype=bool)
        learned = slice(None) if dataset.learned is None else dataset.learned
        kept[np.arange(len(kept))[learned][held]] = False
    still_learned = None if dataset.learned is None else dataset.learned[kept]
    rest = replace(dataset, interactions=dataset.interactions.filter(pl.Series(kept)), learned=still_learned)
    return Held(rest, dataset.pairs.filter(pl.Series(held)))
