"""User kNN: recommends what the users liked who liked the same."""

from typing import ClassVar

import numpy as np
from numba import njit
from pydantic import Field
from scipy.sparse import csr_array

from models.base import Model, ModelConfig
from models.neighbours.similarity import SetSimilarity, Similarity
from nightschool.contract import Dataset, Float32s, Indices, Space, Span
from nightschool.data.shape import Shape
from nightschool.histories import Histories
from nightschool.ranking.foldin import fold_in


class UserKnnConfig(ModelConfig):
    """Which users are neighbours, and how many of them count."""

    neighbours: int = Field(default=200, ge=1, le=10_000, description="Nearest users that count for a user.")
    similarity: Similarity = Field(default="cosine", description="Of the sets of items that the users like.")
    shrinkage: float = Field(
        default=0.0, ge=0, le=10_000, description="Added to the norm that the similarity divides by."
    )

    space: ClassVar[Space] = {
        "neighbours": Span(20, 1000, log=True),
        "similarity": ("cosine", "pearson"),
        "shrinkage": Span(0.0, 100.0),
    }


class UserKnn(Model):
    """User kNN: what the users liked who are most similar to a user.

    Formula:
        score(u, i) = Σ_v similarity(u, v) · liked(v, i) over the `neighbours` nearest users v. A fitted user is their
        own nearest neighbour, which adds to seen items only.

    Good for:
        Few users with long histories. A forgotten user no longer counts for similar ones, which may change their lists.

    Refuses:
        Nothing beyond a dataset without interactions.

    Memory:
        `neighbours` similarities a user, and all likes twice.

    Examples:
        >>> model = UserKnn().fit(dataset, seed=0)
        >>> algebra = model.recommend(dataset.user_ids[:1], k=3)["item_id"]
        >>> sorted(algebra) == [item for item in range(100, 110) if item not in seen("user 0")]
        True

    Reference:
        Herlocker, Konstan, Borchers and Riedl, "An Algorithmic Framework for Performing Collaborative Filtering",
        SIGIR 1999.
    """

    name = "userknn"
    config_type = UserKnnConfig
    learned = ("likes", "liked_by", "similar")

    config: UserKnnConfig
    likes: csr_array
    """What each user likes, CSR float32 [n_users, n_items] of ones."""
    liked_by: csr_array
    """Who likes each item, CSR float32 [n_items, n_users] of ones."""
    similar: csr_array
    """Similarity of each user's nearest neighbours, CSR float32 [n_users, n_users]."""

    def fold_in(self, histories: Histories) -> Float32s:
        """Score histories of scores or of ones, float32 [n_block, n_items]."""
        return fold_in(self._likeness.to_rows(histories.likes, self.liked_by), self.likes)

    def contributions(self, histories: Histories, items: Indices) -> Float32s:
        """Return what each like adds to the scores of listed items, float32 [n_likes, k].

        A neighbour's similarity is divided evenly among the likes in common. That the other likes weigh more in the
        similarities when one is left out is neglected.
        """
        likes = histories.likes
        similar = self._likeness.to_rows(likes, self.liked_by)
        found = np.zeros((likes.nnz, items.shape[1]), dtype=np.float32)
        neighbours = similar.indptr, similar.indices, similar.data
        theirs = self.likes.indptr, self.likes.indices
        _share_out(items, (likes.indptr, likes.indices, likes.shape[1]), neighbours, theirs, found)
        return found

    def forget(self, user_index: int) -> None:
        """Remove a user, also as a neighbour: their likes no longer count for similar users."""
        others = np.arange(self.likes.shape[0]) != user_index
        super().forget(user_index)
        self.likes = self.likes[others]
        self.liked_by = self.liked_by[:, others]
        self.similar = self.similar[others][:, others]

    @property
    def _likeness(self) -> SetSimilarity:
        return SetSimilarity(self.config.similarity, self.config.shrinkage, self.config.neighbours)

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 2e-8 * shape.user_pairs

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        self.likes = dataset.positives()
        self.liked_by = self.likes.T.tocsr()
        self.similar = self._likeness.among_themselves(self.likes)

    def _score(self, user_indices: Indices) -> Float32s:
        return fold_in(self.similar[user_indices], self.likes)


@njit(nogil=True, cache=True)
def _share_out(items, likes, neighbours, theirs, found):  # type: ignore[no-untyped-def]  # compiled by argument
    """Add each neighbour's similarity to `found`, for the likes in common and the listed items that they like."""
    starts, liked, n_items = likes
    neighbour_starts, others, similarities = neighbours
    their_starts, their_likes = theirs
    entry_of, place_of = np.full(n_items, -1, dtype=np.int64), np.full(n_items, -1, dtype=np.int64)
    common, listed = np.empty(n_items, dtype=np.int64), np.empty(items.shape[1], dtype=np.int64)
    for row in range(items.shape[0]):
        _mark(entry_of, liked[starts[row] : starts[row + 1]], starts[row])
        _mark(place_of, items[row], 0)
        for neighbour in range(neighbour_starts[row], neighbour_starts[row + 1]):
            n_common, n_listed = 0, 0
            other = others[neighbour]
            for item in their_likes[their_starts[other] : their_starts[other + 1]]:
                if entry_of[item] >= 0:
                    common[n_common] = entry_of[item]
                    n_common += 1
                elif place_of[item] >= 0:
                    listed[n_listed] = place_of[item]
                    n_listed += 1
            for entry in common[:n_common]:
                for place in listed[:n_listed]:
                    found[entry, place] += similarities[neighbour] / n_common
        entry_of[liked[starts[row] : starts[row + 1]]] = -1
        place_of[items[row]] = -1


@njit(nogil=True, cache=True)
def _mark(places, items, first):  # type: ignore[no-untyped-def]  # as above
    """Write first, first + 1, … at the items; -1 is no item."""
    for place in range(len(items)):
        if items[place] >= 0:
            places[items[place]] = first + place
