"""What models have in common: fit and score as templates, lists by external id, saving, sums of item weights."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict
from scipy.sparse import csr_array

from models.fitted_state import Known
from models.serialization import read_arrays, read_card, write_arrays, write_card
from nightschool.columns import ITEM_ID, RANK, SCORE, USER_ID
from nightschool.contract import Dataset, Float32s, Indices, Space
from nightschool.data.shape import Shape
from nightschool.errors import ConfigurationError, NotFound
from nightschool.histories import Histories
from nightschool.ranking.blocks import block_users
from nightschool.ranking.foldin import fold_in
from nightschool.ranking.topk import Ranking, rank_users

_ARRAYS = "learned.npz"
_WEIGHTS_SUMMED = 200  # of each history item, typically


class ModelConfig(BaseModel):
    """Hyper-parameters of a model: range-checked, documented, with defaults that are good without tuning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    space: ClassVar[Space] = {}
    """What the search for hyper-parameters tries; the defaults are always tried first."""


class Model(ABC):
    """A recommender that learns from a dataset, scores every item, and can be written down.

    A model of one's own gives `name`, `config_type` and `learned`, and fills in `_learn` and `_score`.

    Attributes:
        name: Its name in the catalogue and in recipes.
        config_type: Its hyper-parameters.
        learned: Names of the attributes, dense arrays or CSR matrices, that `_learn` sets.
        by_user: Those of them that hold a row a user.
        personal: Whether it ranks differently for different users.
        explains: Whether an item of a user's history explains what it recommends.
        sequential: Whether it learns from the order of each user's interactions.
        needs_times: Whether it refuses data without timestamps.
        needs_order: Whether it refuses data that do not tell in which order a user's interactions came.
        needs_scores: Whether it refuses data without graded scores.
        note: What the last fit did otherwise than its hyper-parameters say, in words for the report; None: nothing.
    """

    name: ClassVar[str]
    config_type: ClassVar[type[BaseModel]]
    learned: ClassVar[tuple[str, ...]]
    by_user: ClassVar[tuple[str, ...]] = ()
    personal: ClassVar[bool] = True
    explains: ClassVar[bool] = True
    sequential: ClassVar[bool] = False
    needs_times: ClassVar[bool] = False
    needs_order: ClassVar[bool] = False
    needs_scores: ClassVar[bool] = False

    def __init__(self, config: BaseModel | None = None) -> None:
        self.config = self.config_type() if config is None else config
        self.note: str | None = None
        self._known: Known | None = None

    @abstractmethod
    def _learn(self, dataset: Dataset, seed: int, /) -> None:
        """Set the learned attributes; an error leaves the model unfitted."""

    @abstractmethod
    def _score(self, user_indices: Indices) -> Float32s:
        """Return finite scores in fresh memory, float32 [n_block, n_items]; the caller may overwrite them."""

    @property
    def known(self) -> Known:
        """Ids, histories and catalogue of the last fit.

        Raises:
            ConfigurationError: The model is not fitted.
        """
        if self._known is None:
            raise ConfigurationError(f"the model {self.name!r} is not fitted", do="call fit or load first")
        return self._known

    def fit(self, dataset: Dataset, *, seed: int) -> Self:
        """Fit to a dataset and return self; a second call replaces all that the first one learned.

        Raises:
            DataRefused: The dataset holds no interactions, or malformed ones.
            ConfigurationError: The model cannot learn from this kind of dataset, or not within its memory.
        """
        known = Known.of(dataset)
        self._known = None
        self.note = None
        self.require_data(dataset)
        self._learn(dataset, seed)
        self._known = known
        return self

    def require_data(self, dataset: Dataset) -> None:
        """Check that the dataset has what the class says it needs.

        Raises:
            ConfigurationError: It lacks an order, times or graded scores.
        """
        if self.needs_order and not dataset.has_order:
            raise ConfigurationError(
                f"{self.name} needs the order of interactions, and this dataset has none",
                do=f'leave {self.name} out, or give the manifest a timestamp, or order = "file"',
            )
        lacks_times = self.needs_times and not dataset.has_times
        if lacks_times or (self.needs_scores and dataset.score_range is None):
            needed, column = ("times", "timestamp") if lacks_times else ("graded scores", "score")
            raise ConfigurationError(
                f"{self.name} needs {needed}, and this dataset has none",
                do=f"leave {self.name} out, or give the manifest a {column}",
            )

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape, on two cores of the year 2026.

        It orders and limits what a search tries, so that it must not depend on the machine; a factor of two is enough.
        """
        return 1e-7 * shape.pairs

    def score_seconds(self, shape: Shape, n_users: int) -> float:
        """Estimate the seconds to score every item for some users, likewise."""
        return 1e-9 * n_users * (shape.items + shape.pairs / shape.users * _WEIGHTS_SUMMED)

    def score(self, user_indices: Indices) -> Float32s:
        """Score every item for some users, float32 [n_block, n_items], higher is better; seen items are scored too.

        Raises:
            NotFound: A user index lies outside the fitted dataset.
        """
        n_users = len(self.known.user_ids)
        if len(user_indices) and not 0 <= int(user_indices.min()) <= int(user_indices.max()) < n_users:
            raise NotFound(
                "no such user index",
                seen=f"{user_indices.min()}…{user_indices.max()}",
                do=f"use indices from 0 to {n_users - 1}",
            )
        return self._score(user_indices)

    def recommend(self, user_ids: pl.Series, k: int, *, megabytes: int = 64) -> pl.DataFrame:
        """List the k best unseen available items of each user: user_id, item_id, rank (from 1), score; best first.

        Users are listed in the order asked for; one who has seen everything gets no rows.

        Args:
            user_ids: External ids.
            k: Items a user; fewer where fewer are left.
            megabytes: Memory that dense blocks may take.

        Raises:
            NotFound: A user was not in the fitted dataset.
            ConfigurationError: The ids are of another type than the fitted ones.
        """
        known = self.known
        users = known.user_indices(user_ids)
        ranking = rank_users(
            self.score,
            users,
            history=known.history,
            available=known.available,
            k=k,
            block_users=block_users(len(known.item_ids), megabytes),
        )
        return _by_external_id(ranking, users, known)

    def forget(self, user_index: int) -> None:
        """Remove a user's id, history and rows; the index of later users falls by one.

        What was learned of items from everybody stays as it is, and so do the lists of everybody else.
        """
        self._known = self.known.without(user_index)
        for name in self.by_user:
            setattr(self, name, np.delete(getattr(self, name), user_index, axis=0))

    def save(self, directory: Path) -> None:
        """Write arrays and JSON below an empty or new directory, never a pickle.

        Raises:
            ConfigurationError: The model is not fitted, or the directory holds something.
        """
        known = self.known
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise ConfigurationError("this folder is not empty", seen=str(directory), do="give a new folder")
        known.save(directory)
        self.write(directory)

    def load(self, directory: Path) -> Self:
        """Load the configuration and all that `save` wrote into the directory, and return self.

        Raises:
            NotFound: The directory holds no model.
            ConfigurationError: It holds another model, another format version, or damaged files.
        """
        self.read(directory, Known.load(directory))
        return self

    def write(self, directory: Path) -> None:
        """Write the configuration and the learned arrays, without ids and histories."""
        directory.mkdir(exist_ok=True)
        write_card(directory, self.name, self.config.model_dump(mode="json"))
        write_arrays(directory / _ARRAYS, {name: getattr(self, name) for name in self.learned})

    def read(self, directory: Path, known: Known) -> None:
        """Read what `write` wrote, for these ids and histories."""
        self.config = self.config_type.model_validate(read_card(directory, self.name))
        arrays = read_arrays(directory / _ARRAYS)
        if set(arrays) != set(self.learned):
            raise ConfigurationError(
                f"the file of {self.name!r} holds other arrays", seen=sorted(arrays), do="fit and save it again"
            )
        for name, array in arrays.items():
            setattr(self, name, array)
        self._known = known


class ItemToItem(Model):
    """Ranks by the summed weights of what a user liked: score(u, j) = Σ_i liked[u, i] · weights[i, j].

    A model of one's own fills in `_learn`, which sets the weights.
    """

    learned = ("weights",)

    weights: csr_array
    """CSR float32 [n_items of the history, n_items to recommend]."""

    def item_weights(self) -> csr_array:
        """Return the weights, CSR float32 [n_items (of the history), n_items (to recommend)], exactly as scored."""
        return self.weights

    def fold_in(self, histories: Histories) -> Float32s:
        """Score histories of scores or of ones, float32 [n_block, n_items]."""
        return fold_in(histories.likes, self.weights)

    def _score(self, user_indices: Indices) -> Float32s:
        return self.fold_in(self.known.histories[user_indices])


def _by_external_id(ranking: Ranking, users: Indices, known: Known) -> pl.DataFrame:
    rows, places = np.nonzero(ranking.items >= 0)
    return pl.DataFrame(
        {
            USER_ID: known.user_ids[users[rows]],
            ITEM_ID: known.item_ids[ranking.items[rows, places]],
            RANK: (places + 1).astype(np.int32),
            SCORE: ranking.scores[rows, places],
        }
    )
