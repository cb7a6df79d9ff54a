"""Item kNN: recommends the neighbours of what a user liked, items that the same users liked."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from models.base import ItemToItem, ModelConfig
from models.neighbours.similarity import SetSimilarity, Similarity
from nightschool.contract import Dataset, Space, Span
from nightschool.data.shape import Shape


class ItemKnnConfig(ModelConfig):
    """Which items are neighbours, and how many of them count."""

    neighbours: int = Field(default=1000, ge=1, le=10_000, description="Neighbours kept for each history item.")
    similarity: Similarity = Field(default="cosine", description="Of the sets of users who like the items.")
    shrinkage: float = Field(
        default=10.0, ge=0, le=10_000, description="Added to the norm that the similarity divides by."
    )

    space: ClassVar[Space] = {
        "neighbours": Span(50, 2000, log=True),
        "shrinkage": Span(0.0, 100.0),
    }


class ItemKnn(ItemToItem):
    """Item kNN: items that the same users liked as what a user liked.

    Formula:
        score(u, j) = Σ_i liked(u, i) · similarity(i, j) over the history items i that keep j among their `neighbours`
        nearest. Cosine: s / (√(n·m) + shrinkage) for items of n and m users, s of them in common.

    Good for:
        A fast, explainable baseline.

    Refuses:
        Nothing beyond a dataset without interactions.

    Memory:
        `neighbours` weights an item.

    Examples:
        >>> model = ItemKnn().fit(dataset, seed=0)
        >>> algebra = model.recommend(dataset.user_ids[:1], k=3)["item_id"]
        >>> sorted(algebra) == [item for item in range(100, 110) if item not in seen("user 0")]
        True

    Reference:
        Sarwar, Karypis, Konstan and Riedl, "Item-Based Collaborative Filtering Recommendation Algorithms", WWW 2001.
    """

    name = "itemknn"
    config_type = ItemKnnConfig

    config: ItemKnnConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 2e-9 * shape.item_pairs + 6e-9 * shape.items**2

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        similar = self.nearest().among_themselves(dataset.positives().T.tocsr())
        self.weights = self.without_itself(similar, np.arange(dataset.n_items))

    def nearest(self) -> SetSimilarity:
        """Return what finds an item's neighbours; each item is nearest to itself, which is taken out again."""
        return SetSimilarity(self.config.similarity, self.config.shrinkage, self.config.neighbours + 1)

    @staticmethod
    def without_itself(similar: csr_array, items: NDArray[np.integer]) -> csr_array:
        """Take the items of the rows out of their own rows, in place."""
        similar.data[np.repeat(items, np.diff(similar.indptr)) == similar.indices] = 0
        similar.eliminate_zeros()
        return similar
