"""Whether models gain by views that are weighed by one over the examination of their place, in the world of clicks."""

from typing import Final

import numpy as np
import polars as pl
from click_world import EXAMINATION, ITEMS, PLACES, Tastes, attraction, shown_lists, users

from models.catalog import create
from nightschool.contract import Dataset
from nightschool.evaluation.off_policy.examination import examination_by_place
from nightschool.evaluation.off_policy.logs import read_logs

MODELS: Final = ("ials", "ease")
N_USERS, LISTS_A_USER, EXPLORE = 1_000, 8, 0.2
MOST: Final = 2.5
"""Where the largest weights are cut."""


def measure(runs: int) -> pl.DataFrame:
    """Return by model and way of weighing the true clicks per list of unseen items, and the difference to no weights.

    Args:
        runs: Draws of users and clicks.
    """
    rows = [row for run in range(runs) for row in _of_run(run)]
    found = pl.DataFrame(rows, schema=["run", "model", "weights", "clicks"], orient="row")
    plain = found.filter(pl.col("weights") == "none").select("run", "model", pl.col("clicks").alias("plain"))
    against = found.join(plain, on=["run", "model"]).with_columns(difference=pl.col("clicks") - pl.col("plain"))
    return against.group_by("model", "weights", maintain_order=True).agg(
        pl.col("clicks").mean(),
        pl.col("difference").mean(),
        (1.96 * pl.col("difference").std() / pl.len().sqrt()).alias("reach"),
    )


def _of_run(run: int) -> list[tuple[int, str, str, float]]:
    rng = np.random.default_rng(run)
    of = users(rng, N_USERS)
    shown = shown_lists(rng, of, LISTS_A_USER, EXPLORE)
    inverse = 1 / examination_by_place(read_logs(shown))[0]
    weighing = {
        "none": np.ones(PLACES),
        "1 / examination": inverse,
        f"1 / examination, at most {MOST:g}": inverse.clip(max=MOST),
    }
    viewed = shown.filter(pl.col("viewed_at").is_not_null())
    rows = []
    for model in MODELS:
        for name, weights in weighing.items():
            fitted = create(model, {}).fit(_dataset(viewed, weights), seed=1)
            scores = fitted.score(np.arange(N_USERS, dtype=np.int32))
            rows.append((run, model, name, _clicks(of, scores, viewed)))
    return rows


def _dataset(viewed: pl.DataFrame, weights: np.ndarray) -> Dataset:
    weighed = viewed.select("user_id", "item_id", score=pl.Series(weights[viewed["place"].to_numpy() - 1]))
    pairs = weighed.group_by("user_id", "item_id").agg(pl.col("score").sum()).sort("user_id", "item_id")
    return Dataset(
        user_ids=pl.Series("user_id", range(N_USERS)),
        item_ids=pl.Series("item_id", range(ITEMS)),
        interactions=pairs.select(
            pl.col("user_id").cast(pl.Int32).alias("user_index"),
            pl.col("item_id").cast(pl.Int32).alias("item_index"),
            pl.col("score").cast(pl.Float32),
            pl.lit(None, pl.Datetime("us", "UTC")).alias("timestamp"),
        ),
        users=pl.DataFrame({"user_id": range(N_USERS)}),
        items=pl.DataFrame({"item_id": range(ITEMS)}).with_columns(title=pl.lit("x"), text=pl.lit(None, pl.String)),
        available=np.ones(ITEMS, dtype=np.bool_),
    )


def _clicks(of: Tastes, scores: np.ndarray, viewed: pl.DataFrame) -> float:
    """Return the true clicks per list of the best items that users have not viewed."""
    unseen = scores.astype(np.float64)
    unseen[viewed["user_id"].to_numpy(), viewed["item_id"].to_numpy()] = -np.inf
    lists = np.argsort(-unseen, axis=1)[:, :PLACES]
    return float((np.take_along_axis(attraction(of), lists, axis=1) * EXAMINATION).sum(axis=1).mean())
