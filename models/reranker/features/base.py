"""A group of features of candidates: arrays learned from a dataset, and the numbers they give for a candidate."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.serialization import Arrays
from nightschool.contract import Dataset, Float32s, Indices


class Candidates(NamedTuple):
    """Candidates of some users, one user's after the other's.

    Attributes:
        users: int32 [n].
        starts: int64 [n + 1], where each user's candidates begin.
        items: int32 [n_candidates].
    """

    users: Indices
    starts: NDArray[np.int64]
    items: Indices

    @property
    def owners(self) -> Indices:
        """User of each candidate, int32 [n_candidates]."""
        return np.repeat(self.users, np.diff(self.starts))


class FeatureGroup(ABC):
    """Some columns of the features; a frozen dataclass whose fields are dense arrays and CSR matrices.

    Attributes:
        by_user: The fields that hold a row a user.
    """

    by_user: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def of(cls, dataset: Dataset) -> Self:
        """Learn the arrays from a dataset."""

    @property
    @abstractmethod
    def names(self) -> Sequence[str]:
        """Name of each column."""

    @abstractmethod
    def columns(self, candidates: Candidates) -> Float32s:
        """Compute the columns, float32 [n_names, n_candidates]; NaN where the data do not tell."""

    def arrays(self) -> Arrays:
        """Return the learned arrays by field."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def without(self, user_index: int) -> Self:
        """Return a copy without one user; the index of later users falls by one."""
        kept = {name: _without_row(getattr(self, name), user_index) for name in self.by_user}
        return replace(self, **kept)  # type: ignore[type-var]


def _without_row(rows: NDArray[Any] | csr_array, row: int) -> NDArray[Any] | csr_array:
    return rows[np.arange(rows.shape[0]) != row]
