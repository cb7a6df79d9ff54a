"""Segments of users that are evaluated separately: by length of history, and by audience."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import USER_ID
from nightschool.contract import Dataset, Mask
from nightschool.vocabulary import ACTIVITY_SEGMENTS

OVERALL = "all"
MIN_AUDIENCE = 50
OTHERS = "others"
"""The segment of an attribute that joins values which too few users have."""
_MOST_VALUES = 20


def activity_segments(dataset: Dataset) -> pl.Series:
    """Assign each user to an activity segment: cold 0 pairs, new 1-4, casual 5-19, regular 20-99, power 100+."""
    return _activity(np.diff(dataset.history().indptr))


def _activity(lengths: NDArray[np.integer]) -> pl.Series:
    places = np.searchsorted([*ACTIVITY_SEGMENTS.values()], lengths, side="right") - 1
    return pl.Series("activity_segment", np.array([*ACTIVITY_SEGMENTS])[places])


def segments(dataset: Dataset) -> Mapping[str, Mask]:
    """Map segment names to their members, bool[n_users]: `all`, `activity:…` and `audience:…`.

    Empty activity segments and audiences below 50 users are left out.
    """
    return segments_of_users(np.diff(dataset.history().indptr), dataset.users, dataset.audience)


def segments_of_users(lengths: NDArray[np.integer], users: pl.DataFrame, audience: str | None) -> Mapping[str, Mask]:
    """Return what `segments` does, from the length of each user's history, int [n_users], and the users' attributes."""
    found: dict[str, Mask] = {OVERALL: np.ones(len(lengths), dtype=bool)}
    activity = _activity(lengths)
    members = {name: (activity == name).to_numpy() for name in ACTIVITY_SEGMENTS}
    found |= {f"activity:{name}": mask for name, mask in members.items() if mask.any()}
    if audience is None:
        return found
    labels = users[audience].cast(pl.String)
    return found | {
        f"audience:{label}": labels.eq(label).fill_null(False).to_numpy() for label in sorted(_large(labels))
    }


def attribute_segments(users: pl.DataFrame, audience: str | None) -> Mapping[str, Mask]:
    """Map segments by the users' attributes other than the audience to their members: `department:Sales`, ….

    Of each attribute, the 20 largest values that at least 50 users have; users with another value are its `others`, if
    there are as many.
    """
    found: dict[str, Mask] = {}
    for name, dtype in users.schema.items():
        if dtype != pl.String or name in (USER_ID, audience):
            continue
        labels = users[name]
        large = _large(labels)[:_MOST_VALUES]
        found |= {f"{name}:{label}": labels.eq(label).fill_null(False).to_numpy() for label in sorted(large)}
        others = (labels.is_not_null() & ~labels.is_in(large)).to_numpy()
        if large and others.sum() >= MIN_AUDIENCE:
            found[f"{name}:{OTHERS}"] = others
    return found


def _large(labels: pl.Series) -> list[str]:
    """Return the values that at least 50 users have, the largest first."""
    counts = labels.drop_nulls().value_counts(name="users").filter(pl.col("users") >= MIN_AUDIENCE)
    return counts.sort("users", labels.name, descending=[True, False])[labels.name].to_list()
