"""Next neighbours: what came next wherever the past of any user was similar."""

from typing import ClassVar, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from models.base import Model, ModelConfig
from nightschool.columns import ITEM_INDEX, USER_INDEX
from nightschool.contract import Dataset, Float32s, Indices, Space, Span
from nightschool.data.sequences import placed_likes
from nightschool.data.shape import Shape
from nightschool.errors import DataRefused
from nightschool.histories import Histories
from nightschool.ranking.foldin import faded

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_NOTHING = 0.01  # what is left of a weight where a past is cut off
_LEAST_SHARE = 0.05  # share of the best similarity below which a place is ignored
_END = -1  # closes each history


class NextNeighboursConfig(ModelConfig):
    """How pasts are compared, and how far ahead of a similar one is looked."""

    recency: float = Field(
        default=4.0, gt=0, le=50, description="Places in a history over which an item's weight falls to 1/e."
    )
    sharpness: float = Field(default=3.0, gt=0, le=20, description="Power of the similarity of two pasts.")
    rarity: float = Field(
        default=0.5, ge=0, le=1, description="Power of an item's popularity that divides what it adds to a similarity."
    )
    horizon: int = Field(default=2, ge=1, le=50, description="Places ahead that count, the first most.")
    fading_ahead: float = Field(default=0.6, gt=0, le=1, description="What each further place ahead counts less.")

    space: ClassVar[Space] = {
        "recency": Span(1.0, 12.0, log=True),
        "sharpness": Span(1.0, 8.0, log=True),
        "rarity": Span(0.0, 0.8),
        "horizon": (1, 2, 3, 5),
    }


class NextNeighbours(Model):
    """Next neighbours: what came next wherever the past of any user was similar.

    Formula:
        score(u, j) = Σ_t (s(u, t) / the largest)^`sharpness` · F(t, j) over all places t of all histories, by
        similarity s(u, t) = Σ_i a(u, i) · a(t, i) / n(i)^`rarity`: a fades by exp(−1 / `recency`) with each place, n(i)
        users have item i. F(t, j) is `fading_ahead`ᵐ where item j comes m places after t, for `horizon` of them.
        Similarities below a twentieth of the largest do not count.

        It publishes no item weights: a score is no sum over the items of a history, since similarities are divided by
        the largest of them and raised to a power.

    Good for:
        Long histories in which paths repeat; beside `next_ridge`, which sums the weights of single items.

    Refuses:
        Data without an order, and histories of one item alone.

    Memory:
        12 bytes a like.

    Examples:
        >>> model = NextNeighbours().fit(dataset, seed=0)
        >>> algebra = model.recommend(dataset.user_ids[:1], k=3)["item_id"]
        >>> sorted(algebra) == [item for item in range(100, 110) if item not in seen("user 0")]
        True

    Reference:
        Ludewig and Jannach, "Evaluation of Session-based Recommendation Algorithms", UMUAI 28, 2018 (V-SkNN), by place
        instead of by session.
    """

    name = "next_neighbours"
    config_type = NextNeighboursConfig
    learned = ("taken",)
    sequential: ClassVar[bool] = True
    needs_order: ClassVar[bool] = True

    config: NextNeighboursConfig
    taken: csr_array
    """The place of each like in its user's history, 1 the oldest, CSR float32 [n_users, n_items]."""
    _laid_out: "tuple[csr_array, _Paths] | None" = None

    def fold_in(self, histories: Histories) -> Float32s:
        """Score histories of scores or of ones, float32 [n_block, n_items].

        Raises:
            ConfigurationError: The histories have no order.
        """
        paths, past = self._paths(), faded(histories, self.config.recency)
        rarities = np.maximum(np.diff(paths.starts), 1) ** -self.config.rarity
        strengths = np.where(past.data < _NOTHING, 0, past.data * rarities[past.indices]).astype(np.float32)
        fading = np.exp(-1 / self.config.recency)
        reach = int(np.ceil(np.log(_NOTHING) / np.log(fading)))
        scores = np.zeros(past.shape, dtype=np.float32)
        _add_nexts(
            scores,
            (past.indptr, past.indices, strengths),
            paths,
            (fading ** np.arange(reach)).astype(np.float32),
            (self.config.fading_ahead ** np.arange(self.config.horizon)).astype(np.float32),
            np.float32(self.config.sharpness),
        )
        return scores

    def forget(self, user_index: int) -> None:
        """Remove a user, also as a neighbour: their history no longer counts for others."""
        super().forget(user_index)
        self.taken = self.taken[np.arange(self.taken.shape[0]) != user_index]

    def score_seconds(self, shape: Shape, n_users: int) -> float:
        """Estimate the seconds to score every item for some users."""
        reach = 7 * self.config.recency
        return 3e-9 * n_users * min(shape.pairs / shape.users, reach) * shape.pairs / shape.items * reach

    def _score(self, user_indices: Indices) -> Float32s:
        return self.fold_in(self.known.histories[user_indices])

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        liked = placed_likes(dataset)
        users = liked[USER_INDEX].to_numpy()
        lengths = np.bincount(users, minlength=dataset.n_users)
        if lengths.max(initial=0) < 2:
            do = f"leave {self.name} out of these data"
            raise DataRefused(f"{self.name} needs likes that follow one another in time", seen="none", do=do)
        places = np.arange(len(users)) - (np.cumsum(lengths) - lengths)[users] + 1
        cells = (users, liked[ITEM_INDEX].to_numpy())
        self.taken = csr_array((places.astype(np.float32), cells), shape=(dataset.n_users, dataset.n_items))

    def _paths(self) -> "_Paths":
        """Return the histories as the kernel reads them, laid out once."""
        if self._laid_out is None or self._laid_out[0] is not self.taken:
            self._laid_out = self.taken, _lay_out(self.taken)
        return self._laid_out[1]


class _Paths(NamedTuple):
    """Histories oldest first, one after the other.

    Attributes:
        items: int32, -1 closes each history.
        places: int64, the places of `items` by item and then ascending.
        starts: int64 [n_items + 1], where each item's places begin in `places`, and the end of the last.
    """

    items: NDArray[np.int32]
    places: NDArray[np.int64]
    starts: NDArray[np.int64]


def _lay_out(taken: csr_array) -> _Paths:
    n_users, n_items = taken.shape
    users = np.repeat(np.arange(n_users), np.diff(taken.indptr))
    items = np.full(taken.nnz + n_users, _END, dtype=np.int32)
    items[taken.indptr[users] + users + taken.data.astype(np.int64) - 1] = taken.indices
    places = np.argsort(items, kind="stable")[n_users:].astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(np.bincount(taken.indices, minlength=n_items))]).astype(np.int64)
    return _Paths(items, places, starts)


@njit(nogil=True, cache=True)
def _add_nexts(scores, past, sequences, fading, ahead, sharpness):
    """Add to `scores` what came after the places whose past is similar to each row's."""
    starts, history, strengths = past
    items = sequences[0]
    similarity = np.zeros(len(items), dtype=np.float32)
    found = np.empty(len(items), dtype=np.int64)
    for row in range(len(scores)):
        n_found = 0
        for entry in range(starts[row], starts[row + 1]):
            if strengths[entry] > 0:
                one = history[entry], strengths[entry]
                n_found = _add_similarity(similarity, found, n_found, one, sequences, fading)
        highest = np.float32(0)
        for place in found[:n_found]:
            highest = max(highest, similarity[place])
        for place in found[:n_found]:
            share = similarity[place] / highest
            similarity[place] = 0
            if share >= _LEAST_SHARE:
                weight = share**sharpness
                for step in range(len(ahead)):
                    if items[place + step] == _END:
                        break
                    scores[row, items[place + step]] += weight * ahead[step]


@njit(nogil=True, cache=True)
def _add_similarity(similarity, found, n_found, one, sequences, fading):
    """Add one item's part to the similarity of every place after it, in all histories; return how many are not zero."""
    items, places, item_starts = sequences
    item, strength = one
    for entry in range(item_starts[item], item_starts[item + 1]):
        for distance in range(len(fading)):
            place = places[entry] + 1 + distance
            if items[place] == _END:
                break
            if similarity[place] == 0:
                found[n_found] = place
                n_found += 1
            similarity[place] += strength * fading[distance]
    return n_found
