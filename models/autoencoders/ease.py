"""EASE: item-to-item weights in closed form, of which each history item keeps its largest."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from models.autoencoders.autoencoder import Autoencoder, AutoencoderConfig, Float64s, spread
from models.autoencoders.item_gram import ItemGram
from models.base import ItemToItem
from nightschool.contract import Dataset, Space, Span
from nightschool.data.shape import Shape
from nightschool.errors import DataRefused


class EaseConfig(AutoencoderConfig):
    """How strongly the weights are shrunk, what they are learned from, and how many of them are kept."""

    weighted: bool = Field(default=False, description="Learn from the score's share of the highest, not from ones.")

    space: ClassVar[Space] = {"l2": Span(50.0, 5000.0, log=True), "dropout": Span(0.0, 0.8)}


class Ease(ItemToItem):
    """EASE: item-to-item weights in closed form, from one inverse of the item matrix.

    Formula:
        score = X · B, B = −P / diag(P) by column with a zero diagonal,
        P = (XᵀX + l2·I + dropout / (1 − dropout) · diag(XᵀX))⁻¹. X is one where the score is above zero. With
        `weighted`, B is learned from the score's share of the highest; histories stay ones, as they are when served.
        Of each row of B the `weights_per_item` largest entries are kept, and this truncated form is the model: it is
        evaluated, stored and served.

    Good for:
        Strong lists from likes alone for up to some ten thousand items, with weights that explain each entry.

    Refuses:
        Data without scores above zero, and catalogues whose sparse form exceeds `max_gigabytes`.

    Memory:
        8 bytes a pair of items while it is fitted. Where that exceeds `max_gigabytes`, each column of B is learned
        from the item's nearest `neighbours` alone, and `note` says so.

    Examples:
        >>> model = Ease(EaseConfig(l2=10.0)).fit(dataset, seed=0)
        >>> algebra = model.recommend(dataset.user_ids[:1], k=3)["item_id"]
        >>> sorted(algebra) == [item for item in range(100, 110) if item not in seen("user 0")]
        True

    Reference:
        Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019; with dropout, "Autoencoders that don't
        overfit towards the Identity", NeurIPS 2020.
    """

    name = "ease"
    config_type = EaseConfig

    config: EaseConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return self.config.seconds(shape)

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        likes = dataset.weighted_positives() if self.config.weighted else dataset.positives()
        liked = np.flatnonzero(np.bincount(likes.indices, minlength=dataset.n_items))
        if not len(liked):
            raise DataRefused("ease needs scores above zero", seen="none", do="leave ease out of these data")
        item_gram = ItemGram.of_likes(likes[:, liked])
        weights, self.note = Autoencoder(self.name, self.config, item_gram, _whole).learn()
        self.weights = spread(weights, liked, dataset.n_items)


def _whole(own: Float64s, _penalty: Float64s) -> Float64s:
    return np.ones_like(own)
