"""What a reranker sees of a candidate: a row of named numbers, all of them from the dataset that was learned from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from models.reranker.features.base import Candidates, FeatureGroup
from models.reranker.features.history import Nearness, Tastes
from models.reranker.features.item_user import Demography, Popularity
from models.reranker.features.order import Order
from models.reranker.features.recency import Seasons
from models.serialization import read_arrays, write_arrays
from nightschool.contract import Dataset, Float32s, Indices, Pool

_GROUPS: tuple[type[FeatureGroup], ...] = (Popularity, Seasons, Nearness, Tastes, Demography, Order)


@dataclass(frozen=True, eq=False)
class CandidateFeatures:
    """The features of candidates: their scores, and what each group of them says.

    No feature is an index or an id, and none looks beyond the dataset. What the data cannot tell is NaN.

    Attributes:
        groups: One of each kind.
    """

    groups: tuple[FeatureGroup, ...]

    @classmethod
    def of(cls, dataset: Dataset, in_content: csr_array) -> Self:
        """Learn all feature groups from a dataset.

        Args:
            dataset: What is learned from.
            in_content: What `content_nearness` found for it, or for a dataset of the same items.
        """
        nearness = Nearness.with_content(dataset, in_content)
        return cls(tuple(nearness if group is Nearness else group.of(dataset) for group in _GROUPS))

    def names(self, components: Sequence[str]) -> list[str]:
        """Return the name of each column.

        Args:
            components: The names of the pool's components.
        """
        scores = [f"{what} {name}" for name in (*components, "the blend") for what in ("score of", "rank by")]
        return [*scores, *(name for group in self.groups for name in group.names)]

    def rows(self, pool: Pool, places: Indices, blended: Float32s, users: Indices) -> Float32s:
        """Compute the features of some candidates, float32 [n_candidates, n_features], user by user.

        Args:
            pool: Candidates of n users.
            places: int32 [n, depth], where in the pool the candidates stand that are looked at; -1 is padding.
            blended: float32 [n, width], the pool's blended scores.
            users: int32 [n], whose they are.
        """
        rows, columns = np.nonzero(places >= 0)
        chosen = places[rows, columns]
        starts = np.concatenate([[0], np.cumsum((places >= 0).sum(axis=1))])
        candidates = Candidates(users, starts, pool.items[rows, chosen])
        scores = [column[rows, chosen] for one in (*pool.scores, blended) for column in (one, ranks(one, pool.items))]
        columns_of = [np.stack(scores), *(group.columns(candidates) for group in self.groups)]
        return np.ascontiguousarray(np.concatenate(columns_of).T, dtype=np.float32)

    def without(self, user_index: int) -> Self:
        """Return a copy without one user; the index of later users falls by one."""
        return type(self)(tuple(group.without(user_index) for group in self.groups))

    def save(self, directory: Path) -> None:
        """Write one file of arrays a group."""
        for group in self.groups:
            write_arrays(directory / _file_of(type(group)), group.arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load what `save` wrote.

        Raises:
            ConfigurationError: A file is damaged.
        """
        # Rerankers written before know nothing of order: their trees have no such columns.
        groups = [group for group in _GROUPS if group is not Order or (directory / _file_of(Order)).exists()]
        return cls(tuple(group(**read_arrays(directory / _file_of(group))) for group in groups))


def ranks(scores: Float32s, items: Indices) -> Float32s:
    """Rank each candidate among the user's, from 1, float32 [n, width]; ties by place.

    Args:
        scores: float32 [n, width].
        items: int32 [n, width]; -1 is padding, which has the last ranks.
    """
    order = np.argsort(np.where(items < 0, np.inf, -scores), axis=1, kind="stable")
    found = np.empty(scores.shape, dtype=np.float32)
    np.put_along_axis(found, order, np.arange(1, scores.shape[1] + 1, dtype=np.float32)[None], axis=1)
    return found


def _file_of(group: type[FeatureGroup]) -> str:
    return f"{group.__name__.lower()}.npz"
