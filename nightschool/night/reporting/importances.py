"""What a reranker looks at, as rows of the metrics table."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, METRICS, MODEL, N_USERS, RELEASE_ID, SEGMENT, SPLIT, VALUE, K

IMPORTANCE: Final = "importance"
"""The metric: a feature's share of what all splits of the trees gained; the feature is the segment."""
REFIT: Final = "refit"
"""The split: everything known at T."""

_METRICS: Final = METRICS.schema(user_id=pl.Int64(), item_id=pl.Int64())
_SCHEMA: Final = pl.Schema({name: dtype for name, dtype in _METRICS.items() if name != RELEASE_ID})


def importance_rows(importances: Mapping[str, float], model: str, n_users: int) -> pl.DataFrame:
    """Return importances as rows of the metrics table without their release.

    Args:
        importances: Feature to its share; empty without a reranker.
        model: The recipe's name.
        n_users: How many users it was fitted on.
    """
    rows = pl.DataFrame([*importances.items()], schema={SEGMENT: pl.String, VALUE: pl.Float64}, orient="row")
    told = {MODEL: model, SPLIT: REFIT, METRIC: IMPORTANCE, K: None, CI_LOW: None, CI_HIGH: None, N_USERS: n_users}
    named = rows.with_columns(pl.lit(value).alias(name) for name, value in told.items())
    return named.select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())
