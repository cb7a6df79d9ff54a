"""Fallback lists for cold-start users: the most popular items of their audience, or of all users."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import AUDIENCE, ITEM_ID, RANK, SCORE
from nightschool.contract import Dataset, Float32s, Indices
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
    names = audience_names(_values(dataset))
    of_user = audience_of_users(dataset, names)
    return join_audiences(names, count_likes(dataset, names), dataset.n_users, of_user)


def audience_names(values: pl.Series | None) -> tuple[str, ...]:
    """Return the audiences, `everyone` first, from the attribute of all users; None where there is none."""
    if values is None:
        return (EVERYONE,)
    sizes = values.drop_nulls().value_counts(name="users").filter(pl.col("users") >= MIN_AUDIENCE)
    return (EVERYONE, *sorted({*sizes[values.name]} - {EVERYONE}))


def audience_of_users(dataset: Dataset, names: Sequence[str]) -> Indices:
    """Return the row of each user's audience among the names, int32 [n_users]."""
    values = _values(dataset)
    if values is None:
        return np.zeros(dataset.n_users, dtype=np.int32)
    known = pl.DataFrame({values.name: pl.Series(names[1:], dtype=pl.String), "row": np.arange(1, len(names))})
    joined = values.to_frame().join(known, on=values.name, how="left", maintain_order="left")
    return joined["row"].fill_null(0).to_numpy().astype(np.int32)


def count_likes(dataset: Dataset, names: Sequence[str]) -> NDArray[np.float64]:
    """Count each audience's users who like each item, float64 [n_audiences, n_items]; those of users apart add up."""
    positives, of_user = dataset.positives(), audience_of_users(dataset, names)
    counts = [positives.sum(axis=0), *(positives[of_user == row].sum(axis=0) for row in range(1, len(names)))]
    return np.stack([np.asarray(each, dtype=np.float64).ravel() for each in counts])


def join_audiences(names: Sequence[str], counts: NDArray[np.float64], n_users: int, of_user: Indices) -> Audiences:
    """Make the audiences of what `count_likes` counted among all users."""
    everyone = counts[0].astype(np.float32)
    scores = counts.astype(np.float32)
    scores[1:] += everyone / (n_users + 1)
    return Audiences(tuple(names), scores, of_user)


def _values(dataset: Dataset) -> pl.Series | None:
    return None if dataset.audience is None else dataset.users[dataset.audience].cast(pl.String)
