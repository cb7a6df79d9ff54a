"""Graph filtering: likes smoothed over the graph of users and items, in closed form and without training."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array
from sklearn.utils.extmath import randomized_svd

from models.base import ItemToItem, ModelConfig
from models.cooccurrence import weigh_cooccurrences
from nightschool.contract import Dataset, Float32s, Indices, Space, Span


class GfcfConfig(ModelConfig):
    """Which smooth signals are let through, and how loudly."""

    rank: int = Field(default=64, ge=1, le=2000, description="Singular vectors that the low-pass filter lets through.")
    weight: float = Field(default=1.0, ge=0, le=100, description="Of the low-pass filter, beside the linear one.")
    exponent: float = Field(
        default=0.3, ge=0, le=2, description="Power of an item's popularity in the low-pass filter."
    )
    passes: int = Field(
        default=6, ge=0, le=50, description="Refinements of the vectors; few of them let less smooth signals in, too."
    )
    weights_per_item: int = Field(default=400, ge=1, le=10_000, description="Weights kept for each history item.")

    space: ClassVar[Space] = {
        "rank": Span(16, 512, log=True),
        "weight": Span(0.1, 3.0, log=True),
        "exponent": Span(0.0, 0.6),
        "passes": Span(1, 6),
    }


class Gfcf(ItemToItem):
    """Ranks by X · (NᵀN + weight · D⁻ᵉ V Vᵀ Dᵉ), N = U^−½ X D^−½: what is smooth over the graph of likes comes through.

    U and D hold how many items each user and how many users each item has on their diagonals; V are the right singular
    vectors of N with the largest singular values, as a seeded randomised method finds them; the paper's e is ½. Of each
    row of weights the `weights_per_item` of largest size are kept, and this form is the model.

    References:
        Shen et al., "How Powerful is Graph Convolution for Recommendation?", CIKM 2021;
        Halko, Martinsson and Tropp, "Finding Structure with Randomness", SIAM Review 53(2), 2011, for the vectors.
    """

    name = "gfcf"
    config_type = GfcfConfig

    config: GfcfConfig

    def _learn(self, dataset: Dataset, seed: int) -> None:
        likes = dataset.positives()
        users_of_item = np.maximum(np.bincount(likes.indices, minlength=dataset.n_items), 1)
        normed = _normed(likes, users_of_item)
        vectors = self._smoothest(normed, seed)
        scale = users_of_item**self.config.exponent
        sources = (self.config.weight * vectors / scale).T.astype(np.float32)
        targets = (vectors * scale).astype(np.float32)

        def add_low_pass(linear: Float32s, items: Indices) -> Float32s:
            linear += sources[items] @ targets
            return linear

        self.weights = weigh_cooccurrences(normed.T.tocsr(), normed, add_low_pass, self.config.weights_per_item)

    def _smoothest(self, normed: csr_array, seed: int) -> NDArray[np.floating]:
        """The right singular vectors of the largest singular values, [rank, n_items]."""
        rank = min(self.config.rank, *normed.shape)
        found = randomized_svd(
            normed, rank, n_iter=self.config.passes, power_iteration_normalizer="QR", random_state=seed
        )
        vectors: NDArray[np.floating] = found[2]
        return vectors


def _normed(likes: csr_array, users_of_item: NDArray[np.int64]) -> csr_array:
    """Likes divided by the root of both their user's and their item's count."""
    items_of_user = np.diff(likes.indptr)
    roots = np.sqrt(np.repeat(items_of_user, items_of_user) * users_of_item[likes.indices])
    return csr_array(((1 / roots).astype(np.float32), likes.indices, likes.indptr), shape=likes.shape)
