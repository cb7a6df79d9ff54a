"""Hyper-parameters of the variational autoencoder."""

from typing import ClassVar

from pydantic import Field

from models.neural.config import ComparingConfig
from nightschool.contract import Space, Span


class MultVaeConfig(ComparingConfig):
    """How large the autoencoder is, how much it is told to generalise, and how it is trained."""

    hidden: int = Field(default=600, ge=1, le=10_000, description="Units of the layer before the code.")
    code: int = Field(default=200, ge=1, le=10_000, description="Length of a user's code.")
    dropout: float = Field(default=0.7, ge=0, lt=1, description="Share of a history that training leaves out.")
    beta: float = Field(
        default=0.2,
        ge=0,
        le=10,
        description="Most weight of the divergence between codes and the prior; with 0 codes are not drawn: a "
        "denoising autoencoder.",
    )
    total_anneal: int = Field(
        default=2000, ge=0, le=10_000_000, description="Steps in which that weight grows from 0 to 1; `beta` caps it."
    )
    decay: float = Field(
        default=10.0,
        ge=0,
        le=1000,
        description="Share of all weights that a pass takes away, its steps being of size 1.",
    )
    batch: int = Field(default=100, ge=1, le=1_000_000, description="Users in a step; four times as many on a GPU.")
    learning_rate: float = Field(default=0.001, gt=0, le=1, description="Step size of Adam.")
    epochs: int = Field(default=200, ge=1, le=2000, description="Most passes over the users.")
    patience: int = Field(
        default=20, ge=1, le=2000, description="Passes without a better figure on what is held out, then it stops."
    )

    weighty: ClassVar[tuple[str, ...]] = ("batch", "hidden")
    space: ClassVar[Space] = {
        "dropout": Span(0.5, 0.8),
        "beta": (0.0, 0.1, 0.2, 0.5),
        "decay": Span(2.0, 20.0, log=True),
    }

    def gigabytes(self, n_items: int) -> float:
        """Estimate the memory of training: weights, averages, slopes, moments, the best copy, a step's activations."""
        weights = n_items * (self.hidden + self.code + 2) + 2 * self.hidden * self.code
        activations = self.batch * (4 * self.compared(n_items) + 8 * self.hidden)
        return 4 * (8 * weights + activations) / 1e9
