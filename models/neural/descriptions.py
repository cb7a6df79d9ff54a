"""What is known of items and users apart from likes, as one dense vector each."""

import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from models.directions import Directions
from models.labels import user_labels
from nightschool.contract import Dataset, Float32s
from nightschool.data.features import feature_parts

_LEAST_USERS = 5  # who share an attribute: fewer say more of themselves than of the attribute


def item_descriptions(dataset: Dataset, text_length: float, width: int, seed: int) -> Float32s:
    """Describe each item by its features and by the vectors that it came with, each in few dimensions.

    Both are scaled, so that the squared length of their rows is 1 on average.

    Args:
        dataset: Whose items; without descriptions the vectors have no length.
        text_length: Length of the text's features, where those of each other column have length 1.
        width: Dimensions of the features, and of the vectors.
        seed: Of the projections.

    Returns:
        float32 [n_items, up to 2 · width]; zeros where nothing is known.
    """
    parts = feature_parts(dataset, text_length)
    return np.hstack([_scaled(compress(part, width, seed)) for part in parts])


def user_descriptions(dataset: Dataset, width: int, seed: int) -> Float32s:
    """Describe each user by those attributes that at least five share, in few dimensions.

    Args:
        dataset: Whose users; without attributes the vectors have no length.
        width: Dimensions.
        seed: Of the projection.

    Returns:
        float32 [n_users, up to width], likewise scaled; zeros where nothing is known.
    """
    labels = user_labels(dataset)
    shared = np.bincount(labels.indices, minlength=labels.shape[1]) >= _LEAST_USERS
    return _scaled(compress(labels[:, np.flatnonzero(shared)].astype(np.float32), width, seed))


def compress(features: csr_array | Float32s, width: int, seed: int) -> Float32s:
    """Project rows onto the directions in which they are longest, float32 [n, up to width].

    Args:
        features: float32 [n, n_features], CSR or dense.
        width: Most directions.
        seed: Of the directions that the search begins with.
    """
    if not features.size or not abs(features).max():
        return np.zeros((features.shape[0], 0), dtype=np.float32)
    transposed = features.T if isinstance(features, np.ndarray) else features.T.tocsr()
    # On one thread the last bits do not depend on how many cores there are.
    with threadpool_limits(1):
        found = Directions.of(features, transposed, width, seed)
        projected: Float32s = (found.projected @ found.turn)[:, ::-1][:, :width]
    return np.ascontiguousarray(projected)


def _scaled(vectors: Float32s) -> Float32s:
    """Scale vectors so that the squared length of those that are not zero is 1 on average."""
    lengths = np.square(vectors, dtype=np.float64).sum(axis=1)
    mean = lengths[lengths > 0].mean() if lengths.any() else 1.0
    return (vectors / np.float32(np.sqrt(mean))).astype(np.float32)
