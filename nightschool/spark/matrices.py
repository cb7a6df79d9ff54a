"""What models are fitted to, by part: likes by user and by item, sequences of likes, and counts of items."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.autoencoders.item_gram import Sequences
from models.factorization.als_spark import write_likes
from nightschool.columns import ITEM_INDEX, USER_INDEX
from nightschool.data.sequences import placed_likes
from nightschool.evaluation.facts import ItemCounts
from nightschool.spark.jobs import summed_on_executors
from nightschool.spark.parts import Parts, View, part_folder

Int64s = NDArray[np.int64]
Rows = tuple[Int64s, NDArray[np.int32]]
"""Where each row's entries begin, and their columns."""


@dataclass(frozen=True, eq=False)
class Counted:
    """Counts of what a view learns from; those of parts add up.

    Attributes:
        items: Users by item.
        placed: int64[n_items], likes that have a place in their user's history.
        weighted: float64[n_items], the sum of likes' shares of the highest score.
        likes: All likes.
        longest: The most likes with a place that a user has.
    """

    items: ItemCounts
    placed: Int64s
    weighted: NDArray[np.float64]
    likes: int
    longest: int

    def __add__(self, other: "Counted") -> "Counted":
        """Return the counts of both."""
        return Counted(
            self.items + other.items,
            self.placed + other.placed,
            self.weighted + other.weighted,
            self.likes + other.likes,
            max(self.longest, other.longest),
        )


def write_matrices(parts: Parts, view: View) -> Counted:
    """Write what models are fitted to, and count it."""
    return summed_on_executors(partial(_write_part, parts.folder, view), range(len(parts)), f"likes of {view}")


def likes_files(parts: Parts, view: View) -> list[Path]:
    """Return the files of likes that Spark reads itself."""
    return [_folder(parts.folder, view, part) / "likes.parquet" for part in range(len(parts))]


def load_likes(folder: Path, view: View, part: int) -> tuple[Rows, Rows]:
    """Load the likes of a part: the items of each user, and the users of each item."""
    place = _folder(folder, view, part)
    return (_load(place, "user_starts"), _load(place, "items")), (_load(place, "item_starts"), _load(place, "users"))


def load_sequences(folder: Path, view: View, part: int, index: Int64s, n_items: int) -> Sequences:
    """Load the histories of a part in the order of time, with other indices of items, int64[all items]."""
    place = _folder(folder, view, part)
    return Sequences.of_histories(index[_load(place, "placed")], _load(place, "lengths"), n_items)


def _write_part(folder: Path, view: View, part: int) -> Counted:
    parts = Parts.load(folder)
    dataset = parts.dataset(part, view)
    likes, weighted = dataset.positives(), dataset.weighted_positives()
    by_item = likes.T.tocsr()
    placed = placed_likes(dataset)
    lengths = np.bincount(placed[USER_INDEX].to_numpy(), minlength=dataset.n_users)
    place = _folder(folder, view, part)
    place.mkdir(parents=True, exist_ok=True)
    arrays = {
        "user_starts": likes.indptr.astype(np.int64),
        "items": likes.indices.astype(np.int32),
        "item_starts": by_item.indptr.astype(np.int64),
        "users": by_item.indices.astype(np.int32),
        "placed": placed[ITEM_INDEX].to_numpy().astype(np.int32),
        "lengths": lengths,
    }
    for name, array in arrays.items():
        np.save(place / f"{name}.npy", array, allow_pickle=False)
    users = np.repeat(np.arange(dataset.n_users), np.diff(likes.indptr)) + parts.firsts[part]
    write_likes(users.astype(np.int32), likes.indices, place / "likes.parquet")
    n_items = dataset.n_items
    return Counted(
        ItemCounts.of(dataset),
        np.bincount(arrays["placed"], minlength=n_items),
        np.bincount(weighted.indices, weights=weighted.data, minlength=n_items).astype(np.float64),
        int(likes.nnz),
        int(lengths.max(initial=0)),
    )


def _folder(folder: Path, view: View, part: int) -> Path:
    return part_folder(folder, part) / view


def _load(folder: Path, name: str) -> Any:
    return np.load(folder / f"{name}.npy", allow_pickle=False)
