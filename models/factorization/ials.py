"""iALS: factors by alternating least squares, regularised in proportion to how much each row has to say."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from models.base import Model, ModelConfig
from models.factorization.conjugate_gradient import principal_axes, solve, solve_on_all_cores
from models.factorization.leave_one_out import fall_without
from models.factorization.new_items import with_new_items
from nightschool.contract import Dataset, Float32s, Indices, Space, Span
from nightschool.data.density import mean_degree
from nightschool.data.shape import Shape
from nightschool.histories import Histories, positive

_RESIDUAL = 1e-3  # of an epoch's equations: the next epoch moves their solution by more
_LEAST_WEIGHT = 0.05  # what is liked least still counts as liked


class IalsConfig(ModelConfig):
    """How long the vectors are, and what holds them down."""

    factors: int = Field(default=64, ge=1, le=1000, description="Length of a user's and an item's vector.")
    epochs: int = Field(default=6, ge=1, le=500, description="Times that all users and all items are solved for.")
    regularisation: float = Field(default=0.02, gt=0, le=10, description="Shrinkage of a vector for each of its pairs.")
    likes: float | None = Field(
        default=None,
        ge=0.01,
        le=1e6,
        description="Likes a row on which that was chosen: with twice as many, half of it is used. "
        "None: it is used as it is.",
    )
    unobserved: float = Field(
        default=8.0, gt=0, le=1000, description="Weight of all pairs without a like together; of all likes it is 1."
    )
    slope: float = Field(
        default=0.2,
        ge=0,
        le=5,
        description="What a like weighs more for each standard deviation of its score above the mean; 0: all weigh 1.",
    )

    space: ClassVar[Space] = {
        "regularisation": Span(0.001, 0.1, log=True, chosen_on="likes"),
        "unobserved": Span(1.0, 100.0, log=True),
        "factors": Span(32, 1000, log=True),
        "epochs": Span(4, 32, log=True),
    }


class Ials(Model):
    """iALS: user and item factors by alternating least squares over likes and all unobserved pairs.

    Formula:
        score(u, i) = user factors · item factors. In turn for all users and all items it solves
        (α₀·VᵀV + Σ w·v·vᵀ + λ·(n + α₀·N)·I) x = Σ w·v over the row's n likes. N is the number of rows of the other
        side; α₀ is `unobserved` times the share of all pairs that are likes, so that it means the same for catalogues
        of any size. A like weighs w = 1 + slope · z, at least 0.05, z being its score in standard deviations from the
        mean. λ is `regularisation`; chosen on `likes` a row, it shrinks as likes come in. An available item without
        likes has the mean factors of the 50 liked items that are described most like it, each by its cosine³.

    Good for:
        Likes of many users and items, new ones of which are described; scores users from a history that it was not
        fitted on.

    Refuses:
        Nothing beyond a dataset without interactions; a user without likes has zero factors, and
        so has an item without likes and description.

    Memory:
        `factors` floats a user and an item.

    Examples:
        >>> model = Ials(IalsConfig(factors=4)).fit(dataset, seed=0)
        >>> algebra = model.recommend(dataset.user_ids[:1], k=3)["item_id"]
        >>> sorted(algebra) == [item for item in range(100, 110) if item not in seen("user 0")]
        True

    References:
        Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008;
        Rendle, Krichene, Zhang and Koren, "Revisiting the Performance of iALS on Item Recommendation Benchmarks",
        RecSys 2022, for the regularisation.
    """

    name = "ials"
    config_type = IalsConfig
    learned = ("user_factors", "item_factors", "floor", "scale", "shrinkage")
    by_user = ("user_factors",)

    config: IalsConfig
    user_factors: Float32s
    """float32 [n_users, factors]."""
    item_factors: Float32s
    """float32 [n_items, factors]; of the liked items VᵀV is diagonal."""
    floor: Float32s
    """What the normal equations of a user have on their diagonal before the first like, float32 [factors]."""
    scale: Float32s
    """Mean and standard deviation of the scores of likes, float32 [2]."""
    shrinkage: Float32s
    """λ, float32 [1]."""

    def fold_in(self, histories: Histories) -> Float32s:
        """Score histories of scores on the dataset's scale, float32 [n_block, n_items]."""
        users = solve(self._weights(histories.scores), self.item_factors, self.floor, self.shrinkage[0])
        return users @ self.item_factors.T

    def contributions(self, histories: Histories, items: Indices) -> Float32s:
        """Return how far the scores of listed items fall without each like, float32 [n_likes, k].

        The user's regression is solved without the like in closed form; only its shrinkage stays that of all likes.
        """
        likes = self._weights(histories.scores)
        return fall_without(likes, items, self.item_factors, self.floor, self.shrinkage[0])

    def _score(self, user_indices: Indices) -> Float32s:
        scores: Float32s = self.user_factors[user_indices] @ self.item_factors.T
        return scores

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return self.config.epochs * (
            2.5e-9 * shape.pairs * self.config.factors + 3e-10 * (shape.users + shape.items) * self.config.factors**2
        )

    def _learn(self, dataset: Dataset, seed: int) -> None:
        scores = dataset.scores()
        liked = scores.data[scores.data > 0]
        spread = (liked.mean(dtype=np.float64), liked.std(dtype=np.float64)) if len(liked) else (0.0, 0.0)
        self.scale = np.array(spread, dtype=np.float32)
        by_user = self._weights(scores)
        by_item = by_user.T.tocsr()
        n_users, n_items = (max(int(np.count_nonzero(np.diff(side.indptr))), 1) for side in (by_user, by_item))
        unobserved = self.config.unobserved * by_user.nnz / (n_users * n_items)
        self.shrinkage = np.array([self._shrinkage(mean_degree(by_user))], dtype=np.float32)
        drawn = np.random.default_rng(seed).standard_normal((dataset.n_items, self.config.factors), dtype=np.float32)
        items = drawn * np.float32(0.1 / np.sqrt(self.config.factors))
        items[np.diff(by_item.indptr) == 0] = 0
        for _ in range(self.config.epochs):
            users = self._solve(by_user, items, unobserved, n_items)
            items = self._solve(by_item, users, unobserved, n_users)
        learned, spectrum = principal_axes(items)
        self.item_factors = with_new_items(learned, dataset, np.diff(by_item.indptr) > 0)
        self.floor = self._floor(spectrum, unobserved, n_items)
        self.user_factors = solve_on_all_cores(by_user, self.item_factors, self.floor, self.shrinkage[0])

    def _shrinkage(self, likes: float) -> float:
        if self.config.likes is None or not likes:
            return self.config.regularisation
        return self.config.regularisation * self.config.likes / likes

    def _solve(self, weights: csr_array, factors: Float32s, unobserved: float, n_others: int) -> Float32s:
        """Solve for one side's factors, given the other's."""
        turned, spectrum = principal_axes(factors)
        floor = self._floor(spectrum, unobserved, n_others)
        return solve_on_all_cores(weights, turned, floor, self.shrinkage[0], _RESIDUAL)

    def _floor(self, spectrum: NDArray[np.float64], unobserved: float, n_others: int) -> Float32s:
        floor: NDArray[np.float64] = unobserved * (spectrum + self.shrinkage[0] * n_others)
        return floor.astype(np.float32)

    def _weights(self, scores: csr_array) -> csr_array:
        """Weigh each like, CSR float32 in the shape of the scores."""
        likes = positive(scores)
        mean, deviation = self.scale
        if self.config.slope and deviation > 0:
            distance = (scores.data[scores.data > 0] - mean) / deviation
            likes.data = np.maximum(1 + np.float32(self.config.slope) * distance, np.float32(_LEAST_WEIGHT))
        return likes
