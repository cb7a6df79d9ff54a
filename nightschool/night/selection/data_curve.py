"""What more users would bring: a quick model that learns from shares of them, measured on the same users each time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl

from nightschool.columns import METRIC, SEGMENT, USER_INDEX
from nightschool.contract import Dataset, Mask, Recommender, Split
from nightschool.errors import NightschoolError
from nightschool.evaluation.evaluate import evaluate_ranking, rank, relevant_users
from nightschool.evaluation.segments import OVERALL

SHARES: Final = (12, 25, 50, 100)
"""Per cent of the users; each share holds the smaller ones."""
BY_USERS: Final = "ndcg_by_users"
"""The metric; the segment `users:012` is what is reached with the smallest share."""
_MODEL: Final = "itemknn"
_FEWEST, _MOST = 50, 500
_MEGABYTES = 16

Create = Callable[[str, Mapping[str, Any]], Recommender]


def measure_data_curve(split: Split, create: Create, seed: int) -> pl.DataFrame | None:
    """Measure a quick model by the share of users that it learns from, as rows of the metrics table.

    Args:
        split: The first validation cut.
        create: Creates a model by name.
        seed: Seed of the shares.

    Returns:
        Rows without their release; None where the smallest share holds too few users to measure.
    """
    chance = np.random.default_rng(seed).random(split.fitted.n_users) * 100
    users = relevant_users(split)
    users = users[chance[users] < SHARES[0]][:_MOST]
    if len(users) < _FEWEST:
        return None
    tables = []
    for share in SHARES:
        try:
            fitted = create(_MODEL, {}).fit(_of_users(split.fitted, chance < share), seed=seed)
        except NightschoolError:
            return None
        ranking = rank(fitted, users, split, 10, _MEGABYTES)
        everyone = {OVERALL: np.ones(split.fitted.n_users, dtype=bool)}
        table = evaluate_ranking(ranking, users, split, cutoffs=(10,)).table(_MODEL, split.name, everyone)
        named = {METRIC: BY_USERS, SEGMENT: f"users:{share:03d}"}
        tables.append(table.filter(pl.col(METRIC) == "ndcg").with_columns(pl.lit(n).alias(c) for c, n in named.items()))
    return pl.concat(tables)


def _of_users(dataset: Dataset, kept: Mask) -> Dataset:
    """Return the dataset with the pairs of some users alone; the index of users and items stays."""
    pairs = kept[dataset.interactions[USER_INDEX].to_numpy()]
    learned = None if dataset.learned is None else dataset.learned[pairs]
    return replace(dataset, interactions=dataset.interactions.filter(pl.Series(pairs)), learned=learned)
