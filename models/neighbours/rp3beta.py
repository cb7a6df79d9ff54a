"""RP3β: a walk of three steps over likes, from an item to its users to their other items, less to popular ones."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from models.base import ItemToItem, ModelConfig
from models.neighbours.cooccurrence import weigh_cooccurrences
from nightschool.contract import Dataset, Float32s, Indices, Space, Span
from nightschool.data.shape import Shape


class Rp3BetaConfig(ModelConfig):
    """How the walk goes on, and how strongly it avoids the popular."""

    alpha: float = Field(default=0.8, ge=0, le=5, description="Power of the probability of each step.")
    beta: float = Field(default=0.5, ge=0, le=5, description="Power of the popularity that divides an item's weight.")
    weights_per_item: int = Field(default=400, ge=1, le=10_000, description="Weights kept for each history item.")

    space: ClassVar[Space] = {"alpha": Span(0.3, 1.5), "beta": Span(0.0, 1.0)}


class Rp3Beta(ItemToItem):
    """RP3β: random walks of three steps over likes, with a penalty on popular items.

    Formula:
        score(u, j) = Σ_i liked(u, i) · w(i, j), w(i, j) = Σ_v (1/n_i)^α · (1/n_v)^α / n_j^β over the users v of both
        items; n_v is the number of items of v, n_i of users of i. The `weights_per_item` largest of each item are kept.

    Good for:
        Lists beyond the most popular items: β trades popularity for coverage.

    Refuses:
        Nothing beyond a dataset without interactions.

    Memory:
        `weights_per_item` weights an item.

    Examples:
        >>> model = Rp3Beta().fit(dataset, seed=0)
        >>> algebra = model.recommend(dataset.user_ids[:1], k=3)["item_id"]
        >>> sorted(algebra) == [item for item in range(100, 110) if item not in seen("user 0")]
        True

    Reference:
        Paudel, Christoffel, Newell and Bernstein, "Updatable, Accurate, Diverse, and Scalable Recommendations for
        Interactive Applications", ACM TiiS 7(1), 2017.
    """

    name = "rp3beta"
    config_type = Rp3BetaConfig

    config: Rp3BetaConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 2e-9 * shape.item_pairs + 6e-9 * shape.items**2

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        likes = dataset.positives()
        by_item = likes.T.tocsr()
        of_user, of_item = np.maximum(np.diff(likes.indptr), 1), np.maximum(np.diff(by_item.indptr), 1)
        by_item.data = np.repeat(of_item**-self.config.alpha, np.diff(by_item.indptr)).astype(np.float32)
        likes.data = np.repeat(of_user**-self.config.alpha, np.diff(likes.indptr)).astype(np.float32)
        rarity = (of_item**-self.config.beta).astype(np.float32)

        def weigh(walks: Float32s, _items: Indices) -> Float32s:
            walks *= rarity
            return walks

        self.weights = weigh_cooccurrences(by_item, likes, weigh, self.config.weights_per_item)
