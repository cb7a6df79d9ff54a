"""Factors of items that nobody has liked yet, from those of the liked items that are described most like them."""

import numpy as np
from scipy.sparse import csr_array, vstack

from nightschool.contract import Dataset, Float32s, Mask
from nightschool.data.features import ItemFeatures, feature_parts
from nightschool.ranking.blocks import block_users
from nightschool.ranking.truncate import keep_largest

_NEAREST = 50
_POWER = 3  # of the cosine: a close item says much more than one of the same language or school
_TEXT_LENGTH = 2.0
_MEGABYTES = 64


def with_new_items(factors: Float32s, dataset: Dataset, liked: Mask) -> Float32s:
    """Give each available item without likes the mean factors of the 50 nearest liked ones, float32 [n_items, d].

    Each counts by the third power of the cosine of its TF-IDF features and vectors with the item's. An item without a
    description, or near to no liked one, keeps what it has.

    Args:
        factors: float32 [n_items, d].
        dataset: What the factors were learned from.
        liked: bool [n_items], the items whose factors were learned.

    Reference:
        Gantner, Drumond, Freudenthaler, Rendle and Schmidt-Thieme, "Learning Attribute-to-Feature Mappings for
        Cold-Start Recommendations", ICDM 2010, by nearest neighbours.
    """
    new = np.flatnonzero(dataset.available & ~liked)
    if not len(new) or not liked.any():
        return factors
    features = feature_parts(dataset, _TEXT_LENGTH)
    known = np.flatnonzero(liked)
    nearest = _nearest(*(ItemFeatures(features.sparse[items], features.dense[items]) for items in (new, known)))
    sums = np.bincount(np.repeat(np.arange(len(new)), np.diff(nearest.indptr)), nearest.data, len(new))
    found = sums > 0
    filled = factors.copy()
    filled[new[found]] = (nearest[found] @ factors[known]) / sums[found, None].astype(np.float32)
    return filled


def _nearest(features: ItemFeatures, others: ItemFeatures) -> csr_array:
    """Find the 50 nearest others of each row with the power of their cosine, CSR float32 [n, n_others]."""
    step = block_users(others.sparse.shape[0], _MEGABYTES)
    by_feature = others.sparse.T.tocsr()
    kept = []
    for start in range(0, features.sparse.shape[0], step):
        cosines = (features.sparse[start : start + step] @ by_feature).toarray()
        if others.dense.shape[1]:
            cosines = np.maximum(cosines + features.dense[start : start + step] @ others.dense.T, 0)
        kept.append(keep_largest(cosines, _NEAREST))
    nearest = vstack(kept, format="csr")
    nearest.data **= _POWER
    return nearest
