"""What some recommenders can do beyond ranking every item: protocols that a model has or has not."""

from typing import Protocol, runtime_checkable

from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices, Instants
from nightschool.histories import Histories


@runtime_checkable
class FoldsIn(Protocol):
    """Scores users it was not fitted on, from their history alone."""

    def fold_in(self, histories: Histories) -> Float32s:
        """Score histories of n_block users, float32 [n_block, n_items]."""


@runtime_checkable
class FollowsOrder(Protocol):
    """Says whether it learns from the order of histories alone: on shuffled ones it is another model."""

    @property
    def needs_order(self) -> bool:
        """Whether it refuses data without an order."""


@runtime_checkable
class PredictsRatings(Protocol):
    """Predicts the score of single pairs on the dataset's own scale."""

    def predict(self, user_indices: Indices, item_indices: Indices) -> Float32s:
        """Predict scores, float32 [n], clipped to the dataset's score range; an index of -1 is unknown."""


@runtime_checkable
class PredictsInContext(PredictsRatings, Protocol):
    """Predicts ratings given their timestamps. For analysis only: a future rating's time is unknown."""

    def predict_in_context(self, user_indices: Indices, item_indices: Indices, instants: Instants) -> Float32s:
        """Predict scores, float32 [n], clipped likewise, as if given at these instants (UTC); never to rank by."""


@runtime_checkable
class WeighsItems(Protocol):
    """Ranks by a sum of weights over the history: score(u, j) = Σ_i history[u, i] · weights[i, j]."""

    def item_weights(self) -> csr_array:
        """Return the weights, CSR float32 [n_items (of the history), n_items (to recommend)], exactly as scored."""


@runtime_checkable
class Contributes(FoldsIn, Protocol):
    """Says how far a score falls if one item of the history had been seen and not liked."""

    def contributions(self, histories: Histories, items: Indices) -> Float32s:
        """Return what each like adds to the scores of listed items.

        Args:
            histories: Histories of n users.
            items: int32 [n, k]; what is returned for padding, -1, does not matter.

        Returns:
            float32 [n_likes, k], a row for each score above zero of the histories, in their order.
        """


@runtime_checkable
class FadesByPlace(WeighsItems, Protocol):
    """Ranks by such a sum with history[u, i] = exp(−place(u, i) / recency), place 0 being the newest."""

    @property
    def recency(self) -> float:
        """Places in a history over which an item's weight falls to 1/e."""
