"""What models of order have in common: weights from an item to those that follow it, the newest item counting most."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array

from models.autoencoders.autoencoder import spread
from models.autoencoders.item_gram import Sequences
from models.base import Model, ModelConfig
from nightschool.contract import Dataset, Float32s, Indices
from nightschool.errors import ConfigurationError, DataRefused
from nightschool.histories import Histories
from nightschool.ranking.foldin import ItemWeights


class NextItemConfig(ModelConfig):
    """How fast a history fades, and how many weights are kept."""

    recency: float = Field(
        default=3.0, gt=0, le=1000, description="Places in a history over which an item's weight falls to 1/e."
    )
    weights_per_item: int = Field(default=400, ge=1, le=10_000, description="Weights kept for each history item.")
    max_gigabytes: float = Field(default=4.0, gt=0, description="Memory that the item matrices may take, in GB.")


class NextItem(Model):
    """Ranks by the weights of what a user liked, faded by age: score(u, j) = Σ_i exp(−place(i) / recency) · w(i, j).

    A model of one's own fills in `_weights`.
    """

    learned = ("weights",)
    sequential: ClassVar[bool] = True
    needs_order: ClassVar[bool] = True

    config: NextItemConfig
    weights: csr_array
    """CSR float32 [n_items of the history, n_items to recommend]."""

    @property
    def recency(self) -> float:
        """Places in a history over which an item's weight falls to 1/e."""
        return self.config.recency

    def item_weights(self) -> csr_array:
        """Return the weights, CSR float32 [n_items (of the history), n_items (to recommend)], exactly as scored."""
        return self.weights

    @abstractmethod
    def _weights(self, sequences: Sequences, n_items: int, /) -> csr_array:
        """Return the weights among the liked items, CSR float32 [n_items, n_items], diagonal empty."""

    def _require_memory(self, gigabytes: float, n_items: int, lower: str) -> None:
        """Raise where a fit needs more memory than it may take; `lower` names what would need less."""
        if gigabytes > self.config.max_gigabytes:
            raise ConfigurationError(
                f"{self.name} needs {gigabytes:.2g} GB for {n_items:,} items",
                seen=f"max_gigabytes={self.config.max_gigabytes:g}",
                do=f"raise {self.name}.max_gigabytes, lower {self.name}.{lower}, or leave {self.name} out",
            )

    def fold_in(self, histories: Histories) -> Float32s:
        """Score histories of scores or of ones, float32 [n_block, n_items].

        Raises:
            ConfigurationError: The histories have no order.
        """
        return ItemWeights(self.weights, self.recency).score(histories)

    def _score(self, user_indices: Indices) -> Float32s:
        return self.fold_in(self.known.histories[user_indices])

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        items = np.unique(dataset.positives().indices).astype(np.int64)
        index = np.full(dataset.n_items, -1, dtype=np.int64)
        index[items] = np.arange(len(items))
        sequences = Sequences.of(dataset, index, len(items))
        if (sequences.bounds[:, 1] - sequences.bounds[:, 0]).max(initial=0) < 2:
            do = f"leave {self.name} out of these data"
            raise DataRefused(f"{self.name} needs likes that follow one another", seen="none", do=do)
        self.weights = spread(self._weights(sequences, len(items)), items, dataset.n_items)
