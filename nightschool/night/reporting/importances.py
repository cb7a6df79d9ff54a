"""What a reranker looks at, as rows of the metrics table."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from nightschool.evaluation.figure_rows import Figure, figure_rows

IMPORTANCE: Final = "importance"
"""The metric: a feature's share of what all splits of the trees gained; the feature is the segment."""
REFIT: Final = "refit"
"""The split: everything known at T."""


def importance_rows(importances: Mapping[str, float], model: str, n_users: int) -> pl.DataFrame:
    """Return importances as rows of the metrics table without their release.

    Args:
        importances: Feature to its share; empty without a reranker.
        model: The recipe's name.
        n_users: How many users it was fitted on.
    """
    figures = (Figure(IMPORTANCE, share, None, n_users, feature) for feature, share in importances.items())
    return figure_rows(figures, model, REFIT)
