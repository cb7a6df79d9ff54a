"""Hyper-parameters of the two towers."""

from typing import ClassVar, Literal

from pydantic import Field

from models.neural.config import ComparingConfig
from nightschool.contract import Space, Span


class NeuralHybridConfig(ComparingConfig):
    """How large the towers are, how much descriptions must say for themselves, and how they are trained."""

    weighty: ClassVar[tuple[str, ...]] = ("batch", "factors", "negatives")

    factors: int = Field(default=64, ge=1, le=1024, description="Length of a user's and an item's vector.")
    hidden: int = Field(default=128, ge=1, le=10_000, description="Units of the hidden layer of each tower.")
    described: int = Field(
        default=128, ge=1, le=10_000, description="Dimensions that the features of descriptions are cut down to."
    )
    text_length: float = Field(
        default=2.0,
        ge=0,
        le=100,
        description="Length of the text's features, where those of each other column have length 1.",
    )
    dropout: float = Field(default=0.2, ge=0, lt=1, description="Share of activations that are dropped in training.")
    id_dropout: float = Field(
        default=0.2, ge=0, lt=1, description="Share of items of which training reads the description alone."
    )
    l2: float = Field(
        default=1.0,
        ge=0,
        le=1000,
        description="Shrinkage of what is learned of items themselves, beside the sum of the loss over all likes.",
    )
    loss: Literal["softmax", "binary"] = Field(
        default="softmax", description="Whether items share a probability, or each is liked or not by itself."
    )
    whole_catalogue: int = Field(
        default=4096, ge=0, le=1_000_000, description="Items up to which none are drawn: all of them are compared."
    )
    drawn_from: Literal["popularity", "uniform", "batch"] = Field(
        default="popularity",
        description="What items are drawn from: all in proportion to popularity^¾, all alike, or what other users of "
        "the step like.",
    )
    batch: int = Field(default=256, ge=1, le=1_000_000, description="Users in a step; four times as many on a GPU.")
    learning_rate: float = Field(default=0.003, gt=0, le=1, description="Step size of Adam.")
    epochs: int = Field(default=200, ge=1, le=2000, description="Most passes over the users.")
    patience: int = Field(
        default=20, ge=1, le=2000, description="Passes without a better figure on what is held out, then it stops."
    )

    space: ClassVar[Space] = {"dropout": Span(0.1, 0.6), "id_dropout": Span(0.1, 0.5)}

    def gigabytes(self, n_items: int) -> float:
        """Estimate the memory of training: weights with slopes and moments, the tower of items, and a step's logits."""
        weights = n_items * (2 * self.factors + 2) + 2 * self.hidden * (self.described + 2 * self.factors)
        towers = n_items * (4 * self.hidden + 6 * self.factors + self.described)
        return 4 * (7 * weights + towers + self.batch * (3 * n_items + 4 * self.compared(n_items))) / 1e9
