"""The shape of a dataset: the counts that tell what a fit will cost and which settings suited similar data."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from nightschool.contract import Dataset


@dataclass(frozen=True)
class Shape:
    """Counts of the likes that models learn from.

    Attributes:
        users: Users with a like.
        items: Items with a like.
        pairs: Likes.
        item_pairs: Pairs of items that one user likes, added up over users; an item with itself counts too.
        user_pairs: Pairs of users who like one item, added up over items, likewise.
    """

    users: int
    items: int
    pairs: int
    item_pairs: int
    user_pairs: int

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Count the likes of a dataset."""
        likes = dataset.positives()
        by_user = np.diff(likes.indptr).astype(np.int64)
        by_item = np.bincount(likes.indices, minlength=dataset.n_items).astype(np.int64)
        return cls(
            users=int(np.count_nonzero(by_user)),
            items=int(np.count_nonzero(by_item)),
            pairs=int(likes.nnz),
            item_pairs=int(by_user @ by_user),
            user_pairs=int(by_item @ by_item),
        )
