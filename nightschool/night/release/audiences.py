"""Fallback lists for cold-start users: the most popular items of their audience, or of all users."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import AUDIENCE, ITEM_ID, RANK, SCORE
from nightschool.contract import Dataset, Float32s
from nightschool.evaluation.segments import MIN_AUDIENCE
from nightschool.ranking.topk import top_k
from nightschool.vocabulary import EVERYONE


@dataclass(frozen=True, eq=False)
class Audiences:
    """Popularity by audience.

    Attributes:
        names: The audiences; `everyone` is the first.
        scores: float32 [n_audiences, n_items], users of the audience with a positive score for the item; the share
            among all users breaks ties.
        of_user: int32 [n_users], the row of each user's audience.
    """

    names: tuple[str, ...]
    scores: Float32s
    of_user: NDArray[np.int32]

    def lists(self, dataset: Dataset, k: int) -> pl.DataFrame:
        """Return the k most popular available items of each audience: audience, item_id, rank, score."""
        ranked = top_k(np.where(dataset.available, self.scores, np.float32(-np.inf)), k)
        rows, places = np.nonzero(ranked.items >= 0)
        return pl.DataFrame(
            {
                AUDIENCE: np.array(self.names, dtype=object)[rows].tolist(),
                ITEM_ID: dataset.item_ids[ranked.items[rows, places]],
                RANK: (places + 1).astype(np.int32),
                SCORE: ranked.scores[rows, places],
            },
            schema_overrides={AUDIENCE: pl.String},
        )


def measure_audiences(dataset: Dataset) -> Audiences:
    """Measure popularity among all users and among each value of the audience attribute that at least 50 users have."""
    of_user = np.zeros(dataset.n_users, dtype=np.int32)
    names = [EVERYONE]
    if dataset.audience is not None:
        values = dataset.users[dataset.audience].cast(pl.String)
        sizes = values.drop_nulls().value_counts(name="users").filter(pl.col("users") >= MIN_AUDIENCE)
        names += sorted({*sizes[values.name]} - {EVERYONE})
        of_user = _rows(values, names)
    positives = dataset.positives()
    everyone = np.asarray(positives.sum(axis=0)).ravel()
    scores = np.empty((len(names), dataset.n_items), dtype=np.float32)
    scores[0] = everyone
    for row in range(1, len(names)):
        own = np.asarray(positives[of_user == row].sum(axis=0)).ravel()
        scores[row] = own + everyone / (dataset.n_users + 1)
    return Audiences(tuple(names), scores, of_user)


def _rows(values: pl.Series, names: list[str]) -> NDArray[np.int32]:
    known = pl.DataFrame({values.name: pl.Series(names[1:], dtype=pl.String), "row": np.arange(1, len(names))})
    joined = values.to_frame().join(known, on=values.name, how="left", maintain_order="left")
    return joined["row"].fill_null(0).to_numpy().astype(np.int32)
