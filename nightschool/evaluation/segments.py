"""Groups of users to look at apart: by the length of their history, and by audience."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from nightschool.contract import Dataset, Mask

OVERALL = "all"
MIN_AUDIENCE = 50

_STARTS = (0, 1, 5, 20, 100)
_NAMES = ("cold", "new", "casual", "regular", "power")


def activity_segments(dataset: Dataset) -> pl.Series:
    """Each user's activity segment by user index: cold 0 pairs, new 1-4, casual 5-19, regular 20-99, power 100+."""
    lengths = np.diff(dataset.history().indptr)
    places = np.searchsorted(_STARTS, lengths, side="right") - 1
    return pl.Series("activity_segment", np.array(_NAMES)[places])


def segments(dataset: Dataset) -> Mapping[str, Mask]:
    """Segment name to its members, bool[n_users]: `all`, `activity:…` and `audience:…`.

    Empty activity segments and audiences below 50 users are left out.
    """
    found: dict[str, Mask] = {OVERALL: np.ones(dataset.n_users, dtype=bool)}
    activity = activity_segments(dataset)
    found |= {f"activity:{name}": (activity == name).to_numpy() for name in _NAMES if (activity == name).any()}
    if dataset.audience is None:
        return found
    labels = dataset.users[dataset.audience].cast(pl.String)
    counts = labels.drop_nulls().value_counts(name="users").filter(pl.col("users") >= MIN_AUDIENCE)
    for label in counts[dataset.audience].sort():
        found[f"audience:{label}"] = (labels == label).fill_null(False).to_numpy()
    return found
