"""User interests as weighted tags: declared ones, those of the items they like, and their attributes."""

from typing import Final

import numpy as np
import polars as pl
from scipy.sparse import csr_array, diags_array, hstack

from nightschool.columns import USER_ID
from nightschool.contract import Dataset
from nightschool.data.labels import one_hot

_ATTRIBUTES: Final = 0.2
"""Weight of a user's attributes relative to their interests: small, so that they decide only without others."""


def interests(dataset: Dataset) -> csr_array:
    """Return each user's tags, CSR float32 [n_users, n_tags], rows of length one; no columns where there are no tags.

    Tags are the users' lists, the categories and lists of the items that they like, each as often as they like one, and
    the users' attributes at a small weight. A tag counts the more, the fewer users have it. Each of the three kinds
    has length one before it is weighed, so that neither many likes nor many declared interests drown the others.
    """
    users = dataset.users
    labels = one_hot(dataset.items, (*dataset.item_columns.categories, *dataset.item_columns.lists))
    kinds = [
        one_hot(users, [name for name, dtype in users.schema.items() if isinstance(dtype, pl.List)]),
        csr_array(dataset.positives() @ labels),
        one_hot(users, [name for name, dtype in users.schema.items() if dtype == pl.String and name != USER_ID]),
    ]
    weighed = [_weighed(kind) * np.float32(weight) for kind, weight in zip(kinds, (1, 1, _ATTRIBUTES), strict=True)]
    tags = _of_length_one(hstack(weighed, format="csr", dtype=np.float32))
    tags.sort_indices()
    return tags


def _weighed(counts: csr_array) -> csr_array:
    """Weigh counts by the rarity of each tag, and scale rows to length one."""
    holders = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = np.log1p(counts.shape[0] / np.maximum(holders, 1)).astype(np.float32)
    counts = csr_array(counts, dtype=np.float32, copy=True)
    counts.data *= rarity[counts.indices]
    return _of_length_one(counts)


def _of_length_one(rows: csr_array) -> csr_array:
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return csr_array(diags_array((1 / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)) @ rows)
