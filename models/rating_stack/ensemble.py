"""Rating models fitted on the same pairs, and how far off the first of them was on those pairs themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array

from models.base import Model
from models.fitted_state import Known
from models.rating_stack.sessions import Sessions
from models.rating_stack.temporal_context import Seconds, Timeline, Windows, instants_of, seconds_of
from models.ratings import Ratings
from models.serialization import read_arrays, write_arrays
from nightschool.contract import Dataset, Float32s, Indices, Instants

_ARRAYS = "panel.npz"
_USER_WINDOWS = Windows(
    seconds=(0, 2, 5, 10, 30, 60, 120, 300, 3600, 43_200), rows=(1, 2, 3, 5, 10, 20, 40), one_sided=(1, 2)
)
_ITEM_WINDOWS = Windows(seconds=(86_400, 7 * 86_400, 30 * 86_400), rows=(3, 10, 30), one_sided=(3, 10))


class Ensemble:
    """Rating models, with the pairs that they learned from: scores, times, and what the first model made of them.

    Each pair that was learned from has two values: its score less the first model's prediction of it, and its score
    less the mean of all. What is said of another pair comes from these. A pair that the ensemble did not learn from
    therefore never speaks of itself.
    """

    def __init__(self, parts: Sequence[Model]) -> None:
        self.parts = parts

    def fit(self, dataset: Dataset, seed: int) -> Self:
        """Fit every model on a dataset of graded scores, and return self."""
        for part in self.parts:
            part.fit(dataset, seed=seed)
        ratings = Ratings.graded(dataset)
        residuals = ratings.scores - _predicts(self.parts[0], ratings.users, ratings.items)
        values = np.stack([residuals, ratings.scores - np.float32(ratings.mean)], axis=1)
        seconds = seconds_of(instants_of(dataset.pairs))
        self.sessions = Sessions.of(ratings.users, ratings.items, seconds, dataset.n_items)
        self._remember(ratings.users, ratings.items, seconds, values, dataset.n_users)
        return self

    @property
    def knows_times(self) -> bool:
        """Whether every pair that was learned from has a time."""
        return len(self._seconds) > 0

    def predictions(self, users: Indices, items: Indices) -> Float32s:
        """Predict each pair with each model, float32 [n, n_models]."""
        return np.stack([_predicts(part, users, items) for part in self.parts], axis=1)

    def company(self, users: Indices, items: Indices) -> tuple[Float32s, Instants]:
        """Summarise each pair by the user's scores of items that share sessions with this one.

        Their mean values, float32 [n, 4], and the instant of the closest, datetime64 [n]: when the pair would most
        likely be scored. That is NaT where nothing tells.
        """
        means, closest = self.sessions.company(users, items, self._rated, self._values)
        guessed = np.full(len(users), np.datetime64("NaT", "s"))
        if self.knows_times:
            guessed[closest >= 0] = self._seconds[closest[closest >= 0]].astype("datetime64[s]")
        return means, guessed

    def around(self, users: Indices, items: Indices, instants: Instants) -> Float32s:
        """Summarise the scores of user and item around an instant, float32 [n, n_features]; none at NaT."""
        is_known = ~np.isnat(instants)
        seconds = np.where(is_known, seconds_of(instants), 0)
        of_users, of_items = self._timelines
        by_user = of_users.around(np.where(is_known, users, -1), seconds)
        return np.hstack([by_user, of_items.around(np.where(is_known, items, -1), seconds)])

    def forget(self, user_index: int) -> None:
        """Remove a user from every model, and the user's pairs."""
        for part in self.parts:
            part.forget(user_index)
        kept = self._users != user_index
        users = self._users[kept] - (self._users[kept] > user_index).astype(np.int32)
        seconds = self._seconds[kept] if self.knows_times else self._seconds
        self._remember(users, self._items[kept], seconds, self._values[kept], self._rated.shape[0] - 1)

    def write(self, directory: Path) -> None:
        """Write what the ensemble remembers, and each model in a folder of its own."""
        arrays = {
            "users": self._users,
            "items": self._items,
            "seconds": self._seconds,
            "values": self._values,
            "together": self.sessions.co_occurrence,
            "rarity": self.sessions.rarity,
        }
        write_arrays(directory / _ARRAYS, arrays)
        for place, part in enumerate(self.parts):
            part.write(directory / f"{place}_{part.name}")

    def read(self, directory: Path, known: Known) -> None:
        """Read what `write` wrote, for these ids and histories."""
        for place, part in enumerate(self.parts):
            part.read(directory / f"{place}_{part.name}", known)
        arrays = read_arrays(directory / _ARRAYS)
        self.sessions = Sessions(arrays["together"], arrays["rarity"])
        users, items, seconds, values = (arrays[name] for name in ("users", "items", "seconds", "values"))
        self._remember(users, items, seconds, values, len(known.user_ids))

    def _remember(self, users: Indices, items: Indices, seconds: Seconds, values: Float32s, n_users: int) -> None:
        self._users, self._items, self._seconds, self._values = users, items, seconds, values
        starts = np.concatenate([[0], np.cumsum(np.bincount(users, minlength=n_users))])
        shape = (n_users, len(self.sessions.rarity))
        self._rated = csr_array((np.ones(len(items), np.float32), items, starts), shape=shape)
        if self.knows_times:
            self._timelines = (
                Timeline.of(users, seconds, values, _USER_WINDOWS),
                Timeline.of(items, seconds, values, _ITEM_WINDOWS),
            )


def _predicts(part: Any, users: Indices, items: Indices) -> Float32s:
    predicted: Float32s = part.predict(users, items)
    return predicted
