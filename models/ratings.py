"""What a rating model learns from, as arrays: pairs by user, and their scores within the scale."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from nightschool.columns import ITEM_INDEX, SCORE, USER_INDEX
from nightschool.contract import Dataset, Float32s, Indices
from nightschool.errors import ConfigurationError


@dataclass(frozen=True, eq=False)
class Ratings:
    """Scores of pairs, sorted by user index, then item index.

    Attributes:
        users: int32 [n], user index of each pair.
        items: int32 [n], item index of each pair.
        scores: float32 [n]; what lies outside the scale, such as a dislike, counts as its nearest end.
        n_users: Users of the dataset, those without scores included.
        n_items: Items of the dataset, likewise.
        scale: The lowest and highest score.
    """

    users: Indices
    items: Indices
    scores: Float32s
    n_users: int
    n_items: int
    scale: tuple[float, float]

    @classmethod
    def graded(cls, dataset: Dataset) -> Self:
        """Return the graded scores to learn from.

        Raises:
            ConfigurationError: Its scores are not graded.
        """
        if dataset.score_range is None:
            raise ConfigurationError(
                "a rating model needs graded scores, and this dataset has none", do="give the manifest a score"
            )
        return cls.of(dataset.pairs, dataset, dataset.score_range)

    @classmethod
    def of(cls, pairs: pl.DataFrame, dataset: Dataset, scale: tuple[float, float]) -> Self:
        """Return the pairs' scores, clipped to the scale, for the users and items of a dataset.

        Args:
            pairs: user_index, item_index, score; sorted.
            dataset: Whose indices these are.
            scale: The lowest and highest score.
        """
        users, items = (pairs[name].to_numpy().astype(np.int32, copy=False) for name in (USER_INDEX, ITEM_INDEX))
        scores = pairs[SCORE].to_numpy().astype(np.float32, copy=False)
        return cls(users, items, scores.clip(*scale), dataset.n_users, dataset.n_items, scale)

    @property
    def mean(self) -> float:
        """Mean of all scores."""
        return float(self.scores.mean(dtype=np.float64))

    @property
    def rated_users(self) -> Indices:
        """Indices of the users who have a score, ascending."""
        return np.flatnonzero(np.bincount(self.users, minlength=self.n_users)).astype(np.int32)

    @property
    def rated_items(self) -> Indices:
        """Indices of the items that have a score, ascending."""
        return np.flatnonzero(np.bincount(self.items, minlength=self.n_items)).astype(np.int32)
