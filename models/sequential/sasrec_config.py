"""Hyper-parameters of the self-attention network."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from models.neural.config import TrainingConfig
from nightschool.contract import Space

_HIDDEN = 2  # hidden units for each one of a vector


class SasRecConfig(TrainingConfig):
    """How large the network is, and how it is trained."""

    width: int = Field(default=64, ge=2, le=1024, description="Length of an item's vector.")
    blocks: int = Field(default=1, ge=1, le=8, description="Blocks of attention and a hidden layer.")
    heads: int = Field(default=1, ge=1, le=16, description="Parts of a vector that attend apart; divides `width`.")
    length: int = Field(default=50, ge=2, le=1000, description="Newest items of a history that count.")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="Share of activations that are dropped in training.")
    negatives: int = Field(
        default=512,
        ge=256,
        le=100_000,
        description="Items drawn in each step, shared by all likes of it, that the next item is told from.",
    )
    whole_catalogue: int = Field(
        default=4096, ge=0, le=1_000_000, description="Items up to which none are drawn: all of them are compared."
    )
    batch: int = Field(default=2048, ge=1, le=1_000_000, description="Likes in a step; four times as many on a GPU.")

    weighty: ClassVar[tuple[str, ...]] = ("batch", "length", "width")
    space: ClassVar[Space] = {"dropout": (0.1, 0.2, 0.5), "blocks": (1, 2)}

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"heads={self.heads} does not divide width={self.width}")
        return self

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Return width, hidden width, blocks, heads and length."""
        return self.width, _HIDDEN * self.width, self.blocks, self.heads, self.length

    @property
    def rows(self) -> int:
        """Return how many rows of packed histories make a step."""
        return max(1, self.batch // self.length)

    def compared(self, n_items: int) -> int:
        """Return with how many items each next item is compared in a step."""
        return n_items if n_items <= self.whole_catalogue else self.negatives

    def gigabytes(self, n_items: int) -> float:
        """Estimate the memory of training: arrays with slopes, moments and the best copy, and a step's activations."""
        places = self.rows * self.length
        compared = self.compared(n_items)
        hidden = (12 + 4 * _HIDDEN) * self.width + 4 * self.heads * self.length
        layers = self.blocks * (4 + 2 * _HIDDEN) * self.width**2
        return 4 * (7 * (n_items * self.width + layers) + places * (4 * compared + self.blocks * hidden)) / 1e9
