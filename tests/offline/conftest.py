"""A split with an answer that is known beforehand, and a recommender of fixed scores."""

from tests.night.conftest import fixed, split

__all__ = ["fixed", "split"]
