"""Models whose network reads a set of likes: what they share is which items it knows."""

from abc import abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.neural.jax_model import JaxModel
from nightschool.contract import Dataset, Float32s, Indices
from nightschool.errors import DataRefused
from nightschool.histories import Histories


class Network(Protocol):
    """A fitted network."""

    def score(self, likes: csr_array) -> Float32s:
        """Return the logit of each item, float32 [n, n_items], for likes, CSR float32 of the same shape."""


class FromLikes(JaxModel):
    """Scores by a network that reads a set of likes, and so any history.

    A model of one's own gives `training`, the module whose `train` returns the arrays that it has learned beside
    `items`, and fills in `scorer` and `gigabytes`.
    """

    items: Indices
    """int32 [n_items], the number of each item in the network, -1 of an item without likes."""

    @abstractmethod
    def scorer(self) -> Network:
        """Return the fitted network."""

    @abstractmethod
    def gigabytes(self, likes: csr_array) -> float:
        """Estimate the memory of training on likes."""

    def fold_in(self, histories: Histories) -> Float32s:
        """Score histories of scores or of ones, float32 [n_block, n_items]; an unknown item has the lowest score."""
        return self.of_all_items(self.scorer().score(self.of_known_items(histories)))

    def of_known_items(self, histories: Histories) -> csr_array:
        """Return the likes of items that the network knows, CSR float32 [n_block, n_known]."""
        return histories.likes[:, np.flatnonzero(self.items >= 0)]

    def of_all_items(self, scores: Float32s) -> Float32s:
        """Return the network's scores for all items, float32 [n_block, n_items]; an unknown item has the lowest."""
        lowest = scores.min(axis=1, keepdims=True)
        # The column -1 is the last one.
        return np.concatenate([scores, lowest], axis=1).take(self.items, axis=1, mode="wrap")

    def _score(self, user_indices: Indices) -> Float32s:
        return self.fold_in(self.known.histories[user_indices])

    def to_learn(self, dataset: Dataset) -> tuple[csr_array, NDArray[np.int64], NDArray[np.int64]]:
        """Return the likes to learn from, CSR [n_users, n_items], with the users and the items that have some.

        Raises:
            ConfigurationError: Training would take too much memory.
            DataRefused: There are none.
        """
        likes = dataset.positives()
        if not likes.nnz:
            raise DataRefused(f"{self.name} needs likes", seen="none", do=f"leave {self.name} out of these data")
        users, items = np.flatnonzero(np.diff(likes.indptr)), np.unique(likes.indices)
        likes = likes[users][:, items]
        self.require_memory(self.gigabytes(likes), len(items))
        return likes, users, items

    def _learn(self, dataset: Dataset, seed: int) -> None:
        likes, _users, learned = self.to_learn(dataset)
        trained = self.import_training().train(likes, self.config, seed)
        for name, array in trained.parameters.items():
            setattr(self, name, array)
        self.items = np.full(dataset.n_items, -1, dtype=np.int32)
        self.items[learned] = np.arange(len(learned))
        self.note = trained.note
