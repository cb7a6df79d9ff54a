"""Hyper-parameters of neural matrix factorisation."""

from typing import ClassVar

from pydantic import Field

from models.neural.config import TrainingConfig
from nightschool.contract import Space, Span


class NeuMfConfig(TrainingConfig):
    """How large both branches are, what holds them down, and how they are trained."""

    factors: int = Field(default=64, ge=1, le=1024, description="Length of the vectors that are multiplied (GMF).")
    width: int = Field(
        default=32,
        ge=2,
        le=1024,
        description="Length of the vectors that the layers read (MLP); the layers have as many units, then half.",
    )
    history_dropout: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="Share of a user's likes that a step leaves out of the user's vector, and learns to find.",
    )
    dropout: float = Field(
        default=0.2, ge=0, lt=1, description="Share of the layers' units that are dropped in training."
    )
    decay: float = Field(
        default=6.0,
        ge=0,
        le=1000,
        description="Share of all weights that a pass takes away, its steps being of size 1.",
    )
    negatives: int = Field(default=4, ge=1, le=1000, description="Items drawn for each like that is left out.")
    batch: int = Field(default=64, ge=1, le=1_000_000, description="Users in a step; four times as many on a GPU.")
    learning_rate: float = Field(default=0.005, gt=0, le=1, description="Step size of Adam.")
    epochs: int = Field(default=200, ge=1, le=2000, description="Most passes over the users.")
    patience: int = Field(
        default=10, ge=1, le=2000, description="Passes without a better figure on what is held out, then it stops."
    )

    weighty: ClassVar[tuple[str, ...]] = ("batch", "negatives", "width")
    space: ClassVar[Space] = {"decay": Span(1.0, 20.0, log=True), "history_dropout": Span(0.2, 0.8)}

    def gigabytes(self, n_items: int, likes: float) -> float:
        """Estimate the memory of training: vectors, averages, slopes, moments, the best copy, a step's activations.

        Args:
            n_items: Items to learn.
            likes: Of a user, on average.
        """
        vectors = 2 * n_items * (self.factors + self.width)
        pairs = self.batch * likes * (1 + self.negatives)
        return 4 * (8 * vectors + 2 * n_items * self.width + pairs * 4 * (self.factors + 2 * self.width)) / 1e9
