"""Segments of users that are evaluated separately: by length of history, and by audience."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from nightschool.contract import Dataset, Mask
from nightschool.vocabulary import ACTIVITY_SEGMENTS

OVERALL = "all"
MIN_AUDIENCE = 50


def activity_segments(dataset: Dataset) -> pl.Series:
    """Assign each user to an activity segment: cold 0 pairs, new 1-4, casual 5-19, regular 20-99, power 100+."""
    lengths = np.diff(dataset.history().indptr)
    places = np.searchsorted([*ACTIVITY_SEGMENTS.values()], lengths, side="right") - 1
    return pl.Series("activity_segment", np.array([*ACTIVITY_SEGMENTS])[places])


def segments(dataset: Dataset) -> Mapping[str, Mask]:
    """Map segment names to their members, bool[n_users]: `all`, `activity:…` and `audience:…`.

    Empty activity segments and audiences below 50 users are left out.
    """
    found: dict[str, Mask] = {OVERALL: np.ones(dataset.n_users, dtype=bool)}
    activity = activity_segments(dataset)
    members = {name: (activity == name).to_numpy() for name in ACTIVITY_SEGMENTS}
    found |= {f"activity:{name}": mask for name, mask in members.items() if mask.any()}
    if dataset.audience is None:
        return found
    labels = dataset.users[dataset.audience].cast(pl.String)
    counts = labels.drop_nulls().value_counts(name="users").filter(pl.col("users") >= MIN_AUDIENCE)
    for label in counts[dataset.audience].sort():
        found[f"audience:{label}"] = (labels == label).fill_null(False).to_numpy()
    return found
