"""Hyper-parameters of the graph network."""

from typing import ClassVar

from pydantic import Field

from models.neural.config import ComparingConfig
from nightschool.contract import Space, Span


class LightGcnConfig(ComparingConfig):
    """How far vectors are carried over the graph of likes, and how they are learned."""

    weighty: ClassVar[tuple[str, ...]] = ("batch", "factors", "negatives")

    factors: int = Field(default=64, ge=1, le=1024, description="Length of an item's vector.")
    layers: int = Field(default=2, ge=1, le=8, description="Steps along likes that a vector is carried.")
    l2: float = Field(
        default=0.6, ge=0, le=1000, description="Shrinkage of the vectors, beside the sum of the loss over all likes."
    )
    batch: int = Field(default=256, ge=1, le=1_000_000, description="Users in a step; four times as many on a GPU.")
    learning_rate: float = Field(default=0.1, gt=0, le=1, description="Step size of Adam.")
    epochs: int = Field(default=300, ge=1, le=2000, description="Most passes over the users.")
    patience: int = Field(
        default=20, ge=1, le=2000, description="Passes without a better figure on what is held out, then it stops."
    )

    space: ClassVar[Space] = {"l2": Span(0.2, 2.0, log=True), "layers": (1, 2, 3), "factors": (64, 128)}

    def gigabytes(self, n_users: int, n_items: int, n_likes: int) -> float:
        """Estimate the memory of training: vectors, averages, slopes, moments, layers, edges, a step's logits."""
        vectors = self.factors * (8 * n_items + (2 + self.layers) * (n_users + n_items))
        return 4 * (vectors + 4 * n_likes + 4 * self.batch * (self.compared(n_items) + self.factors)) / 1e9
