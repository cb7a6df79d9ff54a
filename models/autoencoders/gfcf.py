"""Graph filtering: likes smoothed over the graph of users and items, in closed form and without training."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from models.base import ItemToItem, ModelConfig
from models.directions import SPARE, Directions
from models.neighbours.cooccurrence import weigh_cooccurrences
from nightschool.contract import Dataset, Float32s, Indices, Space, Span
from nightschool.data.shape import Shape


class GfcfConfig(ModelConfig):
    """Which smooth signals are let through, and how loudly."""

    rank: int = Field(default=64, ge=1, le=2000, description="Singular vectors that the low-pass filter lets through.")
    weight: float = Field(default=1.0, ge=0, le=100, description="Of the low-pass filter, beside the linear one.")
    user_exponent: float = Field(
        default=0.4, ge=0, le=2, description="Power of a user's count that divides their likes."
    )
    item_exponent: float = Field(
        default=0.3, ge=0, le=2, description="Power of an item's count in the low-pass filter."
    )
    sharpening: float = Field(
        default=0.0, ge=0, le=4, description="How much of the weights, smoothed once more, is subtracted."
    )
    weights_per_item: int = Field(default=400, ge=1, le=10_000, description="Weights kept for each history item.")

    space: ClassVar[Space] = {
        "rank": Span(16, 512, log=True),
        "weight": Span(0.1, 3.0, log=True),
        "user_exponent": Span(0.2, 0.6),
        "item_exponent": Span(0.2, 0.6),
        "sharpening": Span(0.0, 2.5),
    }


class Gfcf(ItemToItem):
    """GF-CF: likes smoothed over the graph of users and items by a linear and an ideal low-pass filter.

    Formula:
        score = X · (NᵀN + weight · D⁻ᵉ V Vᵀ Dᵉ) · (I − sharpening · NᵀN / σ²), N = U⁻ᵖ X D^−½; U and D hold the number
        of items of each user and of users of each item, V the right singular vectors of N with the `rank` largest
        singular values (a seeded subspace iteration), σ being the largest, p and e the exponents of user and item, ½ in
        the papers. The `weights_per_item` largest weights of each row are kept.

    Good for:
        Sparse likes and many items: no training, and no dense matrix of all items.

    Refuses:
        Nothing beyond a dataset without interactions.

    Memory:
        `rank` + 10 floats an item, `weights_per_item` weights an item.

    Examples:
        >>> model = Gfcf(GfcfConfig(rank=2)).fit(dataset, seed=0)
        >>> algebra = model.recommend(dataset.user_ids[:1], k=3)["item_id"]
        >>> sorted(algebra) == [item for item in range(100, 110) if item not in seen("user 0")]
        True

    References:
        Shen et al., "How Powerful is Graph Convolution for Recommendation?", CIKM 2021;
        Choi et al., "Blurring-Sharpening Process Models for Collaborative Filtering", SIGIR 2023;
        Halko, Martinsson and Tropp, "Finding Structure with Randomness", SIAM Review 53(2), 2011, for the vectors.
    """

    name = "gfcf"
    config_type = GfcfConfig

    config: GfcfConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return (
            6e-9 * shape.pairs * (self.config.rank + SPARE)
            + (7.5e-9 + 1e-11 * self.config.rank) * shape.items**2
            + 3e-9 * shape.item_pairs
            + (1.3e-9 * shape.pairs * shape.items if self.config.sharpening else 0.0)
        )

    def _learn(self, dataset: Dataset, seed: int) -> None:
        likes = dataset.positives()
        users_of_item = np.maximum(np.bincount(likes.indices, minlength=dataset.n_items), 1)
        normed = self._normed(likes, users_of_item)
        by_item = normed.T.tocsr()
        found = Directions.of(normed, by_item, self.config.rank, seed)
        vectors, largest = (found.basis @ found.turn)[:, -self.config.rank :].T, found.largest
        subtracted = self.config.sharpening / largest if largest else 0.0
        scale = users_of_item**self.config.item_exponent
        sources = (self.config.weight * vectors / scale).T.astype(np.float32)
        targets = (vectors * scale).astype(np.float32)

        def filter_rows(linear: Float32s, items: Indices) -> Float32s:
            linear += sources[items] @ targets
            if subtracted:
                linear -= subtracted * (by_item @ (normed @ linear.T)).T
            return linear

        self.weights = weigh_cooccurrences(by_item, normed, filter_rows, self.config.weights_per_item)

    def _normed(self, likes: csr_array, users_of_item: NDArray[np.int64]) -> csr_array:
        """Normalise likes to N: divide by a power of their user's count and the root of their item's."""
        items_of_user = np.repeat(np.diff(likes.indptr), np.diff(likes.indptr))
        values = items_of_user**-self.config.user_exponent / np.sqrt(users_of_item[likes.indices])
        return csr_array((values.astype(np.float32), likes.indices, likes.indptr), shape=likes.shape)
