"""Scores as Surprise reads them: dictionaries of lists, made of arrays."""

import numpy as np
import surprise
from numpy.typing import NDArray

from models.ratings import Ratings
from nightschool.contract import Indices

Rows = dict[int, list[tuple[int, float]]]


def trainset(ratings: Ratings) -> surprise.Trainset:
    """Build a trainset whose raw ids are our indices, and whose inner ids count those that have scores, ascending.

    Surprise's own builder walks over the rows and knows ids by their first appearance.
    """
    users, items = ratings.rated_users, ratings.rated_items
    user_of_row = np.searchsorted(users, ratings.users)
    item_of_row = np.searchsorted(items, ratings.items)
    by_item = np.argsort(item_of_row, kind="stable")
    scores = ratings.scores.astype(np.float64)
    return surprise.Trainset(
        ur=_rows(user_of_row, item_of_row, scores),
        ir=_rows(item_of_row[by_item], user_of_row[by_item], scores[by_item]),
        n_users=len(users),
        n_items=len(items),
        n_ratings=len(scores),
        rating_scale=ratings.scale,
        raw2inner_id_users=_inner_ids(users),
        raw2inner_id_items=_inner_ids(items),
    )


def _rows(owners: NDArray[np.int64], others: NDArray[np.int64], scores: NDArray[np.float64]) -> Rows:
    """Map each owner to its pairs of other and score; the owners ascend."""
    pairs = list(zip(others.tolist(), scores.tolist(), strict=True))
    ends = np.cumsum(np.bincount(owners)).tolist()
    return {owner: pairs[start:end] for owner, (start, end) in enumerate(zip([0, *ends], ends, strict=False))}


def _inner_ids(indices: Indices) -> dict[int, int]:
    return {index: inner for inner, index in enumerate(indices.tolist())}
