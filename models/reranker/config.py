"""The hyper-parameters of the reranker, apart from it: to read them takes no library of trees."""

from typing import Literal

from pydantic import Field

from models.base import ModelConfig
from models.reranker.splits import Cut


class RerankerConfig(ModelConfig):
    """How the trees grow, which candidates they order, and what they learn from."""

    objective: Literal["lambdarank", "binary"] = Field(
        default="lambdarank", description="Learn the order of a list, or the probability of an interaction."
    )
    cut: Cut = Field(default="user", description="How what is learned from is cut: as the test will be.")
    relevant_from: float = Field(default=0.0, description="The lowest score of a hit, which is above zero.")
    folds: int = Field(default=4, ge=2, le=20, description="Shares that take turns in being held out.")
    depth: int = Field(default=120, ge=1, le=1000, description="The best candidates of the blend that are reordered.")
    max_users: int = Field(default=10_000, ge=1, description="Users of each cut who are learned from, drawn at random.")
    trees: int = Field(default=100, ge=1, le=5000, description="How many trees there are.")
    leaves: int = Field(default=8, ge=2, le=1024, description="Leaves of a tree.")
    learning_rate: float = Field(default=0.05, gt=0, le=1, description="Share of a tree's answer that is added.")
    min_leaf: int = Field(default=300, ge=1, description="Candidates that a leaf holds at least.")
    l2: float = Field(default=10.0, ge=0, description="Shrinkage of what a leaf answers.")
    feature_fraction: float = Field(default=0.3, gt=0, le=1, description="Share of the features that a tree may use.")
    bagging: float = Field(default=0.6, gt=0, le=1, description="Share of the candidates that a tree learns from.")
