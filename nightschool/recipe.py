"""Recipes: names and numbers that make a recommender."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

RERANKER: Final = "reranker"
"""What configurations call the reranker, which is no model of its own: it orders what the models of a recipe found."""


class Component(BaseModel):
    """One model of a recipe: its name in the catalogue and its hyper-parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    params: Mapping[str, Any] = Field(default_factory=dict)
    weight: float = 1.0


class Recipe(BaseModel):
    """Names and numbers that make a recommender, never fitted arrays.

    Its lists rank the candidate pool by Σ weight · score over scores normalised per user. `alpha` is the collaborative
    share of a hybrid, else None; `reranker` the hyper-parameters of what reorders the best of those candidates.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    components: tuple[Component, ...] = Field(min_length=1)
    alpha: float | None = Field(default=None, ge=0.0, le=1.0)
    reranker: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """A short name for tables and logs, such as `ease`, `blend(ials, dlae)` or `hybrid(ease, content, α=0.7)`."""
        names = ", ".join(component.model for component in self.components)
        if self.alpha is not None:
            names = f"hybrid({names}, α={self.alpha:.1f})"
        elif len(self.components) > 1:
            names = f"blend({names})"
        return names if self.reranker is None else f"{names} + reranker"
