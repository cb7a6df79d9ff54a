"""Recommends items whose description resembles what a user liked."""

from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array, vstack

from models.base import ItemToItem, ModelConfig
from nightschool.contract import Dataset, Space, Span
from nightschool.data.features import ItemFeatures, feature_parts
from nightschool.data.shape import Shape
from nightschool.errors import ConfigurationError
from nightschool.ranking.blocks import block_users
from nightschool.ranking.foldin import fold_in_on_all_cores
from nightschool.ranking.truncate import keep_largest

_MEGABYTES = 64


class ContentConfig(ModelConfig):
    """How many similar items count for each history item, and how much of the similarity is the text's."""

    weights_per_item: int = Field(default=20, ge=1, le=10_000, description="Similar items kept for each history item.")
    text_length: float = Field(
        default=2.0,
        ge=0,
        le=100,
        description="Length of the text's features, where those of each other column have length 1.",
    )
    vector_length: float = Field(
        default=1.0, ge=0, le=100, description="Length of each column of vectors, such as those of images."
    )

    space: ClassVar[Space] = {
        "weights_per_item": Span(3, 200, log=True),
        "text_length": Span(0.5, 8.0, log=True),
    }


class Content(ItemToItem):
    """Content: items whose text, categories, levels, lists and vectors resemble what a user liked.

    Formula:
        score(u, j) = Σ_i liked(u, i) · cos(f_i, f_j) over the history items i that keep j among their
        `weights_per_item` most similar items; f are TF-IDF features and vectors, in which the text, or what an encoder
        made of it, counts `text_length`² times as much as a category, a level or a list, and each column of vectors
        `vector_length`² times.

    Good for:
        New items, which no user has interacted with, and the content side of a hybrid.

    Refuses:
        Items without any description.

    Memory:
        `weights_per_item` weights an item, and blocks of 64 MB while they are computed.

    Examples:
        >>> model = Content().fit(dataset, seed=0)
        >>> paintings = model.recommend(dataset.user_ids[1:2], k=4)["item_id"]
        >>> 120 in paintings  # a painting without interactions
        True

    Reference:
        Lops, de Gemmis and Semeraro, "Content-based Recommender Systems: State of the Art and Trends", 2011.
    """

    name = "content"
    config_type = ContentConfig

    config: ContentConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 1e-8 * shape.items**2

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        self.learn_items(dataset)

    def learn_items(self, dataset: Dataset) -> None:
        """Learn from the descriptions of a dataset's items; its users do not matter.

        Raises:
            ConfigurationError: No item is described.
        """
        features = feature_parts(dataset, self.config.text_length, self.config.vector_length)
        if not features.sparse.nnz and not features.dense.any():
            raise ConfigurationError(
                "content needs items that are described, and this dataset has none",
                do="leave content out, or name text, categories, lists or vectors in the manifest",
            )
        self.weights = _nearest(features, self.config.weights_per_item)


def _nearest(features: ItemFeatures, n: int) -> csr_array:
    """Find the n most similar other items of each item, CSR float32 [n_items, n_items]."""
    n_items = features.sparse.shape[0]
    step = block_users(n_items, _MEGABYTES)
    by_feature = features.sparse.T.tocsr()
    kept = []
    for start in range(0, n_items, step):
        similarity = fold_in_on_all_cores(features.sparse[start : start + step], by_feature)
        if features.dense.shape[1]:
            similarity += features.dense[start : start + step] @ features.dense.T
            np.maximum(similarity, 0, out=similarity)
        own = np.arange(len(similarity))
        similarity[own, start + own] = 0
        kept.append(keep_largest(similarity, n))
    return vstack(kept, format="csr")
