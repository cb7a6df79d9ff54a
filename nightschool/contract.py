"""What models, the night and the evaluation agree on: a dataset, a split, a recommender."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool import frames
from nightschool.columns import ITEM_ID, ITEM_INDEX, POSITION, SCORE, TIMESTAMP, USER_ID, USER_INDEX
from nightschool.histories import Histories
from nightschool.item_columns import ItemColumns
from nightschool.recipe import Recipe

Float32s = NDArray[np.float32]
Indices = NDArray[np.int32]
Mask = NDArray[np.bool_]
Instants = NDArray[np.datetime64]

POOL_SIZE: Final = 200
"""How many unseen items each component of a recipe brings into the pool that the blend ranks."""


@dataclass(frozen=True)
class Span:
    """The values of a hyper-parameter that are worth trying; whole numbers where both ends are.

    Attributes:
        low: The lowest.
        high: The highest.
        log: Whether equal steps are equal ratios.
        chosen_on: The hyper-parameter that tells a refit on how many likes a row this one was chosen; None: no matter.
    """

    low: float
    high: float
    log: bool = False
    chosen_on: str | None = None


Space = Mapping[str, Span | tuple[Any, ...]]
"""Hyper-parameter to its span, or to the values that it may take."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """What may be learned from at one instant: users, items and the merged score of each pair.

    Users and items that have no interaction keep their index, so that all cuts of one night share one index space.

    Attributes:
        user_ids: External ids by user index, length n_users; ascending by the hash of the id.
        item_ids: External ids by item index, length n_items; likewise.
        interactions: One row a pair, sorted by user_index, item_index: user_index (Int32), item_index (Int32),
            score (Float32), timestamp (the pair's latest event, null where the data have no time); position (Int32,
            the place of that event in the source; where it is left out, the index of the item stands for it); and a
            column of labels a declared context, that event's.
        users: Attributes in the order of the user index: user_id and the manifest's columns.
        items: item_id, title, text and the manifest's columns in the order of the item index.
        item_columns: Which columns of `items` describe an item.
        available: bool[n_items], the items that could be recommended at that instant.
        score_range: The lowest and highest score of a rating; dislikes lie below it. None where scores have no grades.
        audience: The users' column that names their audience; None without one.
        learned: bool, one entry a pair: what may be learned from; the other pairs are seen, and no more. None: all.
        set_aside: bool[n_users], users who are not learned from and get their audience's list. None: no user.
        departed: bool[n_users], users who have left: learned from, and not listed. None: no user.
        ended: bool[n_items], the items that could be recommended before that instant and no longer. None: no item.
        ordered: Whether the pairs of a user that have no time stand in the order of time, by `position`.
    """

    user_ids: pl.Series
    item_ids: pl.Series
    interactions: pl.DataFrame
    users: pl.DataFrame
    items: pl.DataFrame
    available: Mask
    item_columns: ItemColumns = ItemColumns()
    score_range: tuple[float, float] | None = None
    audience: str | None = None
    learned: Mask | None = None
    set_aside: Mask | None = None
    departed: Mask | None = None
    ended: Mask | None = None
    ordered: bool = False

    @classmethod
    def from_frames(
        cls,
        interactions: frames.ArrowTable,
        users: frames.ArrowTable | None = None,
        items: frames.ArrowTable | None = None,
        *,
        score_range: tuple[float, float] | None = None,
        ordered: bool = False,
    ) -> Self:
        """Build a dataset from frames of polars or pandas, with ids indexed as a night indexes them.

        >>> log = pl.DataFrame({"user_id": [1, 1, 2, 3, 3], "item_id": ["a", "b", "a", "b", "c"]})
        >>> model = Ease().fit(Dataset.from_frames(log), seed=1)
        >>> model.recommend(pl.Series([2]), k=1)["item_id"].to_list()
        ['b']

        Args:
            interactions: user_id and item_id; score (default: 1) and timestamp (default: unknown). Of a pair's repeats
                the latest row counts.
            users: user_id and attributes, of which the first is the audience. None: the users of the interactions.
            items: item_id, title, text and columns of labels: text is a category, a list several labels, an Enum an
                ordinal, a list of floats a vector. Items that it lacks are not recommended. None: those that are met.
            score_range: The lowest and highest score, where scores are ratings.
            ordered: Whether a user's rows without a timestamp stand in the order of time; equal times always do.

        Raises:
            DataRefused: A column is missing or of another type, or a value in it cannot be used.
        """
        given = frames.index_frames(interactions, users, items, score_range=score_range)
        return cls(
            user_ids=given.users[USER_ID],
            item_ids=given.items[ITEM_ID],
            interactions=given.interactions,
            users=given.users,
            items=given.items,
            available=given.declared.to_numpy().copy(),
            item_columns=frames.label_columns(given.items),
            score_range=score_range,
            audience=next(iter(given.users.columns[1:]), None),
            ordered=ordered,
        )

    @property
    def n_users(self) -> int:
        """Number of users, those without interactions included."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """Number of items, those without interactions included."""
        return len(self.item_ids)

    @property
    def pairs(self) -> pl.DataFrame:
        """Interactions that may be learned from."""
        return self.interactions if self.learned is None else self.interactions.filter(pl.Series(self.learned))

    @property
    def has_times(self) -> bool:
        """Whether any interaction to learn from has a timestamp."""
        return TIMESTAMP in self.pairs.columns and self.pairs[TIMESTAMP].count() > 0

    @property
    def has_order(self) -> bool:
        """Whether each user's interactions to learn from are a sequence, by time or by their order in the source."""
        return self.ordered or self.has_times

    @property
    def sequence_keys(self) -> list[str]:
        """Columns of `interactions` that sort them by user, and each user's in the order of time."""
        return [name for name in (USER_INDEX, TIMESTAMP, POSITION, ITEM_INDEX) if name in self.interactions.columns]

    @property
    def cold_users(self) -> Mask:
        """Users without interactions and users set aside, bool [n_users]: no model has learned from them."""
        met = np.zeros(self.n_users, dtype=bool)
        met[self.interactions[USER_INDEX].to_numpy()] = True
        return ~met if self.set_aside is None else ~met | self.set_aside

    def history(self) -> csr_array:
        """Return the merged scores of all pairs, CSR float32 [n_users, n_items]; zeros and negatives are stored."""
        return self._matrix(self.interactions)

    def histories(self) -> Histories:
        """Return the merged scores of all pairs with their places in the order of time."""
        return Histories(self.history(), self.places)

    @cached_property
    def places(self) -> Indices | None:
        """How many of the user's pairs are newer, int32 [n_pairs], in the order of `interactions`; None without order.

        Pairs without a time are the oldest; of equal times the one that comes later in the source is the newer one.
        """
        if not self.ordered and not (TIMESTAMP in self.interactions.columns and self.interactions[TIMESTAMP].count()):
            return None
        users = self.interactions[USER_INDEX].to_numpy()
        order = self.interactions.select(pl.arg_sort_by(self.sequence_keys, nulls_last=False)).to_series()
        ends = np.cumsum(np.bincount(users, minlength=self.n_users))
        places = np.empty(len(users), dtype=np.int32)
        places[order.to_numpy()] = ends[users] - 1 - np.arange(len(users))
        return places

    def scores(self) -> csr_array:
        """Return the merged scores of what may be learned from, in the shape of the history."""
        return self._matrix(self.pairs)

    def positives(self) -> csr_array:
        """Return pairs to learn from with a score above zero as ones, CSR float32 [n_users, n_items]."""
        matrix = self.scores()
        matrix.data = (matrix.data > 0).astype(np.float32)
        matrix.eliminate_zeros()
        return matrix

    def weighted_positives(self) -> csr_array:
        """Return the positives with each score as a share of the highest possible one, CSR float32 likewise."""
        matrix = self.scores()
        highest = self.score_range[1] if self.score_range else 1.0
        matrix.data = np.maximum(matrix.data, 0) / np.float32(highest)
        matrix.eliminate_zeros()
        return matrix

    def _matrix(self, pairs: pl.DataFrame) -> csr_array:
        counts = np.bincount(pairs[USER_INDEX].to_numpy(), minlength=self.n_users)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        columns = pairs[ITEM_INDEX].to_numpy().astype(np.int32)
        values = pairs[SCORE].to_numpy().astype(np.float32)
        return csr_array((values, columns, indptr), shape=(self.n_users, self.n_items))


@dataclass(frozen=True, eq=False)
class Split:
    """A dataset to learn from and the pairs held out from it.

    Attributes:
        name: `validation` or `test`.
        protocol: How it was cut, such as `temporal` or `random-user`.
        fitted: What may be learned from; its `available` mask is the catalogue at the split instant.
        held_out: One row a pair, sorted by user_index, item_index: user_index (Int32), item_index (Int32),
            score (Float32), timestamp (the pair's latest event, null where the data have no time), relevant (Boolean),
            and that event's declared contexts. Pairs already in the fitted history are not in it.
    """

    name: str
    protocol: str
    fitted: Dataset
    held_out: pl.DataFrame


@runtime_checkable
class Recommender(Protocol):
    """Learns from a dataset and scores every item for a block of users.

    Attributes:
        note: What the last fit did otherwise than its hyper-parameters say, in words for the report; None: nothing.
    """

    note: str | None

    def fit(self, dataset: Dataset, *, seed: int) -> Self:
        """Fit to a dataset and return self; a second call replaces all that the first one learned."""

    def score(self, user_indices: Indices) -> Float32s:
        """Score every item for some users, float32 [n_block, n_items], higher is better; seen items are scored too."""


class Pool(NamedTuple):
    """Candidates of some users.

    Attributes:
        items: int32 [n, width], the union of each component's best unseen available items, ascending; -1 is padding.
        scores: float32 [n_components, n, width], z-scores over all of the user's unseen available items; 0 where a
            component scores them all alike, and in the padding.
        members: uint32 [n, width], bit c is set where the item is among the best of component c.
        scales: float32 [n_components, n], what a component's scores were multiplied by; 0 where it scores all of the
            user's items alike.
    """

    items: Indices
    scores: Float32s
    members: NDArray[np.uint32]
    scales: Float32s


@runtime_checkable
class Blended(Recommender, Protocol):
    """What a recipe builds: components whose normalised scores are blended over a candidate pool."""

    @property
    def recipe(self) -> Recipe:
        """Names and numbers it was built from."""

    @property
    def parts(self) -> Mapping[str, Recommender]:
        """Catalogue name to fitted component, in the order of the recipe."""

    @property
    def unexplained(self) -> frozenset[str]:
        """Names of the components whose list entries no item of a user's history explains."""

    def pool(self, user_indices: Indices) -> Pool:
        """Collect the candidates of a block of users, with each component's normalised scores."""

    def combine(self, pool: Pool, user_indices: Indices) -> Float32s:
        """Blend or rerank the candidates' scores, float32 [n, width]; -inf is never ranked."""

    def save(self, directory: Path) -> None:
        """Write arrays and JSON below an empty directory, never a pickle."""
