"""Hyper-parameters that every network's training has."""

from typing import ClassVar

from pydantic import Field

from models.base import ModelConfig


class TrainingConfig(ModelConfig):
    """How a network is trained, and when that ends."""

    weighty: ClassVar[tuple[str, ...]] = ("batch",)
    """The hyper-parameters that save memory where they are lowered."""

    batch: int = Field(default=2048, ge=1, le=1_000_000, description="Examples in a step; four times as many on a GPU.")
    learning_rate: float = Field(default=0.003, gt=0, le=1, description="Step size of Adam.")
    epochs: int = Field(default=100, ge=1, le=2000, description="Most passes over the data.")
    patience: int = Field(
        default=5, ge=1, le=2000, description="Passes without a better figure on what is held out, then it stops."
    )
    max_minutes: float | None = Field(
        default=None,
        gt=0,
        description="Most minutes of training, those before an interruption included; then its best pass so far "
        "counts, which depends on the machine.",
    )
    max_gigabytes: float = Field(default=4.0, gt=0, description="Memory that training may take, in GB.")


class ComparingConfig(TrainingConfig):
    """How the training of a network goes that tells likes from all items, or from drawn ones where these are many."""

    negatives: int = Field(
        default=2048, ge=256, le=100_000, description="Items drawn in each step that likes are told from."
    )
    whole_catalogue: int = Field(
        default=12_000, ge=0, le=1_000_000, description="Items up to which none are drawn: all of them are compared."
    )

    def drawn(self, n_items: int) -> int:
        """Return how many items a step draws; 0 where it compares all of them."""
        return self.negatives if n_items > self.whole_catalogue else 0

    def compared(self, n_items: int) -> int:
        """Return with how many items the likes of a user are compared in a step."""
        return self.drawn(n_items) or n_items
