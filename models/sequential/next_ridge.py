"""Next ridge: a regression from the faded past of a history to what comes next, in closed form."""

from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.linalg import get_blas_funcs, get_lapack_funcs
from scipy.sparse import csr_array

from models.autoencoders.item_gram import Sequences
from models.sequential.followers import following, in_blocks_of_rows, next_weights, past_gram
from models.sequential.nearest_next import solve_preceding
from models.sequential.next_item import NextItem, NextItemConfig
from nightschool.contract import Float32s, Space, Span
from nightschool.data.shape import Shape
from nightschool.errors import NightschoolError
from nightschool.ranking.truncate import keep_largest, keep_largest_entries

_NOTHING = 1e-3  # what is left of a weight where the past is cut off
_LONGEST = 200
_BYTES_A_PAIR = 8  # AᵀA and AᵀF in float32
_BYTES_AN_ENTRY = 8
_DENSE_GIGABYTES = 1.0  # 11,000 items: beyond, a dense solve takes minutes and ranks no better
_NONE = np.zeros(1, np.float32)


class NextRidgeConfig(NextItemConfig):
    """How the past fades, how far one looks ahead, and how strongly weights are shrunk."""

    l2: float = Field(default=100.0, gt=0, le=1e7, description="Added to the diagonal of the pasts' co-occurrences.")
    horizon: int = Field(default=3, ge=1, le=50, description="Places ahead that are predicted, the first most.")
    fading_ahead: float = Field(default=0.6, gt=0, le=1, description="What each further place ahead counts less.")
    neighbours: int = Field(
        default=100, ge=1, le=2000, description="Items that each is learned from where there are too many of them."
    )

    space: ClassVar[Space] = {
        "recency": Span(0.7, 30.0, log=True),
        "l2": Span(3.0, 1000.0, log=True),
        "horizon": (1, 2, 3, 5),
    }


class NextRidge(NextItem):
    """Next ridge: what comes next, as a linear function of the faded past, in closed form.

    Formula:
        score = a · B, a(i) = exp(−place(i) / `recency`), B = (AᵀA + l2 · I)⁻¹ · AᵀF over all places t of all histories:
        row t of A is the past before t, faded like a; row t of F holds `fading_ahead`ᵐ at the m-th item from t on, for
        `horizon` of them. Of each row of B the `weights_per_item` largest entries are kept. Where the two item matrices
        exceed `max_gigabytes` or 1 GB, an item's column of B is the regression on the `neighbours` items that precede
        it most.

    Good for:
        Courses, series and whatever else is taken in an order: in seconds, and often the best single model there.

    Refuses:
        Data without an order, histories of one item alone, and data whose sparse item matrices exceed `max_gigabytes`.

    Memory:
        8 bytes a pair of items while it is fitted, in the sparse form 8 bytes a pair that one history holds.

    Examples:
        >>> model = NextRidge(NextRidgeConfig(recency=10.0, l2=10.0)).fit(dataset, seed=0)
        >>> algebra = model.recommend(dataset.user_ids[:1], k=3)["item_id"]
        >>> sorted(algebra) == [item for item in range(100, 110) if item not in seen("user 0")]
        True

    Reference:
        Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, for the closed form without order;
        Choi, Kim, Lee, Shim and Lee, "Session-aware Linear Item-Item Models for Session-based Recommendation",
        WWW 2021, for past and future halves of a session.
    """

    name = "next_ridge"
    config_type = NextRidgeConfig

    config: NextRidgeConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        if not self._fits(shape.items**2 * _BYTES_A_PAIR / 1e9):
            return 1e-6 * shape.pairs + 1e-8 * shape.items * self.config.neighbours**2
        return 1.5e-7 * shape.pairs + 4.5e-8 * shape.items**2 + 5e-12 * shape.items**3

    def _fits(self, gigabytes: float) -> bool:
        """Return whether dense matrices of this size are made."""
        return gigabytes <= min(self.config.max_gigabytes, _DENSE_GIGABYTES)

    def _weights(self, sequences: Sequences, n_items: int) -> csr_array:
        gigabytes = n_items**2 * _BYTES_A_PAIR / 1e9
        if self._fits(gigabytes):
            return keep_largest(self._solve(sequences, n_items), self.config.weights_per_item)
        self.note = (
            f"{self.name}: {n_items:,} items would need {gigabytes:.2g} GB as dense matrices, so each was learned from "
            f"the {self.config.neighbours} that precede it most"
        )
        return self._solve_preceding(sequences, n_items)

    def _solve(self, sequences: Sequences, n_items: int) -> Float32s:
        """Return B without its diagonal, dense float32 [n_items, n_items]."""
        fading, reach, after = self._kernel()
        gram = past_gram(sequences, range(n_items), n_items, fading, reach)
        gram[np.diag_indices(n_items)] += np.float32(self.config.l2)
        solved = _solve_in_place(gram, following(sequences, range(n_items), n_items, after, _NONE))
        if solved is None:
            raise self._not_definite()
        solved[np.diag_indices(n_items)] = 0
        return solved

    def _solve_preceding(self, sequences: Sequences, n_items: int) -> csr_array:
        """Return B with the items that precede each most alone, CSR float32 [n_items, n_items]."""
        fading, reach, after = self._kernel()
        gram, before = (
            in_blocks_of_rows(fill, csr_array, n_items)
            for fill in (
                lambda items: past_gram(sequences, items, n_items, fading, reach),
                lambda items: following(sequences, items, n_items, _NONE, after),
            )
        )
        gigabytes = ((gram.nnz + before.nnz) * _BYTES_AN_ENTRY + n_items * self.config.neighbours * 8) / 1e9
        self._require_memory(gigabytes, n_items, "recency")
        found = solve_preceding(gram, before, self.config.l2, self.config.neighbours)
        if np.isnan(found.own).any():
            raise self._not_definite()
        return keep_largest_entries(found.by_history_item(np.ones(n_items)), self.config.weights_per_item)

    def _kernel(self) -> tuple[float, int, Float32s]:
        """Return how a past fades a place, how far it reaches, and what two places at each distance add to AᵀF."""
        fading = float(np.exp(-1 / self.config.recency))
        reach = min(_LONGEST, int(np.ceil(np.log(_NOTHING) / np.log(fading))) + self.config.horizon)
        return fading, reach, next_weights(fading, reach, self.config.horizon, self.config.fading_ahead)

    def _not_definite(self) -> NightschoolError:
        return NightschoolError(
            "the item matrix cannot be inverted", seen=f"l2={self.config.l2:g}", do="raise next_ridge.l2"
        )


def _solve_in_place(matrix: Float32s, targets: Float32s) -> Float32s | None:
    """Solve matrix · B = targets by Cholesky and return B, over the memory of both; None where it is not definite."""
    (potrf,), (trsm,) = get_lapack_funcs(("potrf",), (matrix,)), get_blas_funcs(("trsm",), (matrix,))
    # LAPACK counts by column: the transposed views spare copies. The matrix being symmetric, Bᵀ · matrix = targetsᵀ.
    factor, failed = potrf(matrix.T, lower=1, clean=1, overwrite_a=1)
    if failed:
        return None
    half = trsm(1, factor, targets.T, side=1, lower=1, trans_a=1, overwrite_b=1)
    solved: Float32s = trsm(1, factor, half, side=1, lower=1, overwrite_b=1).T
    return solved
