"""What users take soon after an item: pairs of items in the order of histories, counted by user."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from nightschool.columns import ITEM_ID, ITEM_INDEX, NEIGHBOR_ID, RANK, SHARE, SUPPORT, USER_INDEX
from nightschool.contract import Dataset
from nightschool.data.sequences import placed_likes

NEXT_ITEMS: Final = 20
"""How many items a row's item is followed by at most."""
WINDOW: Final = 3
"""Places after an item in which another one counts as next."""
MIN_SUPPORT: Final = 3
"""Users who went from one item to the other at least: no row tells of one user, or of two who know each other."""


def next_items(dataset: Dataset) -> pl.DataFrame:
    """Return what follows each item: item_id, neighbor_id (available), rank, support, share.

    The support counts the users who liked the second item within 3 places after the first; the share is the support of
    all users who liked the first. Pairs of fewer than 3 users are left out, and the 20 most frequent are kept; of equal
    ones the lower item index comes first. A dataset without an order has no rows.
    """
    liked = placed_likes(dataset)
    takers = np.bincount(liked[ITEM_INDEX].to_numpy(), minlength=dataset.n_items)
    return most_frequent(_followers(liked, dataset.n_items), takers, dataset)


def most_frequent(followers: csr_array, takers: NDArray[np.int64], dataset: Dataset) -> pl.DataFrame:
    """Return the rows of `next_items` from counts of users.

    Args:
        followers: CSR [n_items, n_items], the users who liked one item soon after another.
        takers: int64 [n_items], the users who liked each item.
        dataset: Says which items there are.
    """
    counts = followers.tocoo()
    kept = (counts.data >= MIN_SUPPORT) & dataset.available[counts.col]
    items, followers, support = counts.row[kept], counts.col[kept], counts.data[kept]
    order = np.lexsort((followers, -support, items))
    items, followers, support = items[order], followers[order], support[order]
    firsts = np.searchsorted(items, items)
    ranks = np.arange(1, len(items) + 1) - firsts
    best = ranks <= NEXT_ITEMS
    found = {
        ITEM_ID: dataset.item_ids[items[best]],
        NEIGHBOR_ID: dataset.item_ids[followers[best]],
        RANK: ranks[best].astype(np.int32),
        SUPPORT: support[best].astype(np.int32),
        SHARE: (support / takers[items])[best].astype(np.float32),
    }
    return pl.DataFrame(found).sort(ITEM_ID, RANK)


def _followers(liked: pl.DataFrame, n_items: int) -> csr_array:
    """Count the users by pairs of items, CSR int32 [n_items, n_items], row before column."""
    users, items = liked[USER_INDEX].to_numpy(), liked[ITEM_INDEX].to_numpy()
    counts = csr_array((n_items, n_items), dtype=np.int32)
    for distance in range(1, WINDOW + 1):
        same = users[:-distance] == users[distance:]
        pairs = items[:-distance][same], items[distance:][same]
        ones = np.ones(len(pairs[0]), dtype=np.int32)
        counts += coo_array((ones, pairs), shape=(n_items, n_items)).tocsr()
    return counts
