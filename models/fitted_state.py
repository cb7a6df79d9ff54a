"""What every fitted model remembers of the dataset it was fitted on: ids, histories, and what may be recommended."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from models.serialization import read_arrays, write_arrays
from nightschool.columns import ITEM_INDEX, SCORE, USER_ID, USER_INDEX
from nightschool.contract import Dataset, Indices, Mask
from nightschool.errors import ConfigurationError, DataRefused, NotFound
from nightschool.histories import Histories

_ARRAYS = "known.npz"
_IDS = "ids.json"


@dataclass(frozen=True, eq=False)
class Known:
    """The users, items and histories of one fit.

    Attributes:
        user_ids: External ids by user index.
        item_ids: External ids by item index.
        histories: Scores and places, n_users of n_items; every stored entry was seen.
        available: bool [n_items], what may be recommended.
        cold_users: bool [n_users], users that no model has learned from.
    """

    user_ids: pl.Series
    item_ids: pl.Series
    histories: Histories
    available: Mask
    cold_users: Mask

    @property
    def history(self) -> csr_array:
        """Scores, CSR float32 [n_users, n_items]."""
        return self.histories.scores

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Copy what a model fitted on this dataset remembers of it.

        Raises:
            DataRefused: There are no interactions, or they break the promises of `Dataset`.
        """
        _check(dataset)
        available = dataset.available.copy()
        return cls(dataset.user_ids, dataset.item_ids, dataset.histories(), available, dataset.cold_users)

    def user_indices(self, user_ids: pl.Series) -> Indices:
        """Look up the index of each external id, int32 [n].

        Raises:
            ConfigurationError: The ids are of another type than the fitted ones.
            NotFound: A user was not in the dataset.
        """
        if user_ids.dtype.is_integer():
            user_ids = user_ids.cast(pl.Int64)
        if user_ids.dtype != self.user_ids.dtype:
            raise ConfigurationError(
                f"user ids are {self.user_ids.dtype} here", seen=f"{user_ids.dtype}", do="pass ids of that type"
            )
        places = pl.DataFrame({USER_ID: self.user_ids}).with_row_index(USER_INDEX)
        found = pl.DataFrame({USER_ID: user_ids}).join(places, on=USER_ID, how="left", maintain_order="left")
        unknown = found.filter(pl.col(USER_INDEX).is_null())[USER_ID]
        if len(unknown):
            raise NotFound(
                f"{len(unknown)} of {len(user_ids)} users are unknown to the model",
                seen=unknown[0],
                do="ask for users of the fitted dataset, or show the list of their audience",
            )
        return found[USER_INDEX].to_numpy().astype(np.int32)

    def without(self, user_index: int) -> "Known":
        """Return a copy without one user; the index of later users falls by one."""
        others = np.arange(len(self.user_ids)) != user_index
        kept = (self.user_ids.filter(pl.Series(others)), self.item_ids, self.histories[others], self.available)
        return Known(*kept, self.cold_users[others])

    def save(self, directory: Path) -> None:
        """Write the ids as JSON and the rest as arrays."""
        ids = {
            "user_ids": self.user_ids.to_list(),
            "item_ids": self.item_ids.to_list(),
            "user_ids_are_text": self.user_ids.dtype == pl.String,  # where there are none, they do not tell
        }
        (directory / _IDS).write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
        arrays = {"history": self.history, "available": self.available, "strangers": self.cold_users}
        if self.histories.places is not None:
            arrays["places"] = self.histories.places
        write_arrays(directory / _ARRAYS, arrays)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load what `save` wrote into the directory.

        Raises:
            NotFound: The directory holds no model.
            ConfigurationError: Its files are damaged.
        """
        try:
            ids = json.loads((directory / _IDS).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NotFound("no model in this folder", seen=str(directory), do="give a saved model's folder") from error
        arrays = read_arrays(directory / _ARRAYS)
        # Folders written before hold no places.
        histories = Histories(arrays["history"], arrays.get("places"))
        learned = (histories, arrays["available"], arrays["strangers"])
        of_nobody = pl.String if ids.get("user_ids_are_text") else pl.Int64
        user_ids = pl.Series(ids["user_ids"], dtype=None if ids["user_ids"] else of_nobody)
        return cls(user_ids, pl.Series(ids["item_ids"]), *learned)


def _check(dataset: Dataset) -> None:
    pairs = dataset.interactions
    if pairs.is_empty() or (dataset.learned is not None and not dataset.learned.any()):
        raise DataRefused("there is nothing to learn from", seen="0 interactions", do="ingest interactions first")
    users, items = pairs[USER_INDEX].to_numpy(), pairs[ITEM_INDEX].to_numpy()
    if min(users.min(), items.min()) < 0 or users.max() >= dataset.n_users or items.max() >= dataset.n_items:
        raise DataRefused(
            "an interaction's index lies outside the dataset",
            seen=f"user_index {users.min()}…{users.max()}, item_index {items.min()}…{items.max()}",
            do=f"build it from {dataset.n_users} users and {dataset.n_items} items",
        )
    if len(dataset.available) != dataset.n_items:
        raise DataRefused(
            "`available` must name every item", seen=len(dataset.available), do=f"give {dataset.n_items} values"
        )
    if (np.diff(users.astype(np.int64) * dataset.n_items + items) <= 0).any():
        raise DataRefused("interactions must be sorted pairs without repeats", do="merge and sort them by index")
    finite = np.isfinite(pairs[SCORE].to_numpy())
    if not finite.all():
        raise DataRefused(
            "a score is not a number", seen=f"{int((~finite).sum())} of {len(finite)}", do="quarantine such rows"
        )
