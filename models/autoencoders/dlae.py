"""DLAE: a linear autoencoder trained with dropout, in closed form, that may look at content and at time as well."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from models.autoencoders.autoencoder import Autoencoder, AutoencoderConfig, Float64s, spread
from models.autoencoders.item_gram import ItemGram, Sequences
from models.base import ItemToItem
from nightschool.contract import Dataset, Space, Span
from nightschool.data.features import ItemFeatures, feature_parts
from nightschool.data.shape import Shape
from nightschool.errors import DataRefused


class DlaeConfig(AutoencoderConfig):
    """How strongly the weights are shrunk, what counts besides being liked together, and how many weights are kept."""

    l2: float = Field(default=400.0, gt=0, le=1e7, description="Added to the diagonal of the item co-occurrences.")
    dropout: float = Field(default=0.7, ge=0, lt=1, description="Share of a history that training leaves out.")
    content: float = Field(
        default=10.0, ge=0, le=1e5, description="Likes that two items described in the same words count for."
    )
    cotime: float = Field(
        default=1.0, ge=0, le=100, description="Likes that two items close in a user's history count for."
    )

    space: ClassVar[Space] = {
        "l2": Span(50.0, 1000.0, log=True),
        "dropout": Span(0.3, 0.8),
        "content": (0.0, 10.0, 50.0),
        "cotime": (0.0, 0.5, 1.0, 2.0),
    }


class Dlae(ItemToItem):
    """DLAE: a linear autoencoder trained with dropout, in closed form, with content and time as further evidence.

    Formula:
        score = X · B, B = (G + Λ)⁻¹ · G with its diagonal cut out, Λ = l2 + dropout / (1 − dropout) · diag(XᵀX).
        G = XᵀX + `content` · cosine of descriptions + `cotime` · Σ_u exp(−distance / 5), by the distance of both items
        in the user's history in the order of time. Of each row of B the `weights_per_item` largest entries are kept.

    Good for:
        The strongest single model on most data; also recommends described items without interactions.

    Refuses:
        Data without scores above zero, and catalogues whose sparse form exceeds `max_gigabytes`. Descriptions and
        times are used where there are any; `note` says which had no effect.

    Memory:
        8 bytes a pair of items while it is fitted. Where that exceeds `max_gigabytes`, each column of B is learned
        from the item's nearest `neighbours` alone, and `note` says so.

    Examples:
        >>> model = Dlae(DlaeConfig(l2=10.0)).fit(dataset, seed=0)
        >>> algebra = model.recommend(dataset.user_ids[:1], k=3)["item_id"]
        >>> sorted(algebra) == [item for item in range(100, 110) if item not in seen("user 0")]
        True

    Reference:
        Steck, "Autoencoders that don't overfit towards the Identity", NeurIPS 2020.
    """

    name = "dlae"
    config_type = DlaeConfig
    sequential = True

    config: DlaeConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 1.3 * self.config.seconds(shape)

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        likes, features = dataset.positives(), self._features(dataset)
        if not likes.nnz:
            raise DataRefused("dlae needs scores above zero", seen="none", do="leave dlae out of these data")
        learnable = np.bincount(likes.indices, minlength=dataset.n_items) + features.counts()
        items = np.flatnonzero(learnable)
        words, vectors = features.sparse[items], features.dense[items] if features.dense.shape[1] else None
        weights_of = (self.config.content, self.config.cotime)
        item_gram = ItemGram(likes[:, items], words, self._sequences(dataset, items), *weights_of, vectors)
        weights, note = Autoencoder(self.name, self.config, item_gram, _shrunk).learn()
        self.weights = spread(weights, items, dataset.n_items)
        self.note = "; ".join(filter(None, [*self._without_effect(item_gram), note])) or None

    def _without_effect(self, item_gram: ItemGram) -> Iterator[str]:
        if self.config.content and not item_gram.features.nnz and item_gram.vectors is None:
            yield "dlae.content is without effect: no item is described"
        if self.config.cotime and not len(item_gram.sequences.items):
            yield "dlae.cotime is without effect: no like has a time"

    def _features(self, dataset: Dataset) -> ItemFeatures:
        return feature_parts(dataset) if self.config.content else ItemFeatures.none(dataset.n_items)

    def _sequences(self, dataset: Dataset, items: NDArray[np.int64]) -> Sequences:
        if not self.config.cotime:
            return Sequences.none(len(items))
        index = np.full(dataset.n_items, -1)
        index[items] = np.arange(len(items))
        return Sequences.of(dataset, index, len(items))


def _shrunk(own: Float64s, penalty: Float64s) -> Float64s:
    # The unconstrained column is −P · Λ off the diagonal, where EASE's is −P / diag(P).
    return own * penalty
