"""The declared contexts of likes, as places among the values that are known."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_INDEX, POSITION, SCORE, TIMESTAMP, USER_INDEX
from nightschool.contract import Dataset, Indices
from nightschool.data.contexts import encode, known_values

_NO_CONTEXTS = frozenset({USER_INDEX, ITEM_INDEX, SCORE, TIMESTAMP, POSITION})


class Contexts(NamedTuple):
    """The declared contexts of likes.

    Attributes:
        codes: int32 [n_likes, n_contexts], the place of each value in `values`; -1 where it is not known.
        values: str [n_values, 2], the name of a context and a value of it.
    """

    codes: Indices
    values: NDArray[np.str_]

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Read the contexts of a dataset's likes, in the order of the entries of its positives."""
        liked = dataset.pairs.filter(pl.col(SCORE) > 0)
        users, names = liked[USER_INDEX].to_numpy(), [name for name in liked.columns if name not in _NO_CONTEXTS]
        codes, values = np.full((liked.height, len(names)), -1, dtype=np.int32), list[tuple[str, str]]()
        for place, name in enumerate(names):
            known = known_values(liked[name], users)
            found = encode(liked[name], known) if known else codes[:, place]
            codes[:, place] = np.where(found < 0, -1, found + len(values))
            values += [(name, value) for value in known]
        return cls(codes, np.array(values, dtype=np.str_).reshape(-1, 2))


def rows_of(values: NDArray[np.str_], context: Mapping[str, str]) -> NDArray[np.int64]:
    """Return which of the known values a context has, int64 [n], ascending; values that are not known do not count.

    Args:
        values: str [n_values, 2], as in `Contexts`.
        context: Name to value.
    """
    given = [context.get(name) == value for name, value in values.tolist()]
    return np.flatnonzero(np.array(given, dtype=bool))
