from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from nightschool.columns import ITEM_ID, RATING, TIMESTAMP, USER_ID
from nightschool.contract import Dataset
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.splits.folds import fold_splits
from nightschool.errors import ConfigurationError
from nightschool.offline.cross_validation import cross_validate, describe_cross_validation
from nightschool.recipe import Component
from tests.data.logs import as_ingested

RATED = Manifest.model_validate(
    {
        "name": "rated",
        "score": "rating",
        "interactions": {"files": ["x"], "user": "u", "item": "i", "rating": {"column": "r", "min": 1, "max": 5}},
    }
)
USERS = 60


class Ranks:
    """Predicts no ratings."""

    def fit(self, dataset: Dataset, *, seed: int) -> "Ranks":
        del dataset, seed
        return self

    def score(self, user_indices: np.ndarray) -> np.ndarray:
        return np.zeros((len(user_indices), 1), dtype=np.float32)


class Mean(Ranks):
    """Predicts the mean of what it was fitted on, and something more."""

    def __init__(self, more: float = 0.0) -> None:
        self.more = more

    def fit(self, dataset: Dataset, *, seed: int) -> "Mean":
        del seed
        self.mean = dataset.interactions["score"].mean()
        return self

    def predict(self, user_indices: np.ndarray, item_indices: np.ndarray) -> np.ndarray:
        del item_indices
        return np.full(len(user_indices), self.mean + self.more, dtype=np.float32)


class Clock(Mean):
    """Predicts the mean, and, told when a score was given, the seconds of that minute."""

    def predict_in_context(self, users: np.ndarray, items: np.ndarray, instants: np.ndarray) -> np.ndarray:
        del users, items
        return (instants.astype("datetime64[s]").astype(np.int64) % 60).astype(np.float32)


def create(name: str, params: Mapping[str, Any]) -> Ranks:
    return {"mean": Mean, "ranks": Ranks, "clock": Clock}[name](**params)


@pytest.fixture(scope="module")
def log() -> EventLog:
    """Sixty users with six to thirty ratings each, without times."""
    return build_event_log(None, None, as_ingested(rows()), RATED)


def rows() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    counts = np.where(np.arange(USERS) < 30, 6, 30)
    users = np.repeat(np.arange(USERS), counts)
    items = np.concatenate([rng.choice(40, count, replace=False) for count in counts])
    return pl.DataFrame({USER_ID: users, ITEM_ID: items, RATING: rng.integers(1, 6, len(users)).astype(float)})


def test_the_figures_are_those_of_a_plain_loop_over_folds(log: EventLog) -> None:
    row = cross_validate(log, [Component(model="mean")], create, seed=4)[0]
    rmse, mae, errors = [], [], []
    for split in fold_splits(log, seed=4):
        error = split.held_out["score"].to_numpy() - split.fitted.interactions["score"].to_numpy().mean()
        rmse.append(np.sqrt((error**2).mean()))
        mae.append(np.abs(error).mean())
        errors.append(error)
    described = describe_cross_validation([row])["models"][0]
    assert np.allclose(described["by_fold"]["rmse"], rmse)
    assert np.allclose(described["by_fold"]["mae"], mae)
    assert described["spread"]["rmse"] == pytest.approx(np.std(rmse, ddof=1))
    value, low, high = described["metrics"]["rmse"]
    assert value == pytest.approx(np.mean(rmse))
    assert low < value < high
    pooled = row.pooled("all")
    assert pooled.users.tolist() == list(range(USERS))
    assert pooled.squared.sum() == pytest.approx((np.concatenate(errors) ** 2).sum())


def test_a_segments_errors_are_those_of_its_users(log: EventLog) -> None:
    rows = cross_validate(log, [Component(model="mean")], create, seed=0)
    segments = {found["segment"]: found for found in describe_cross_validation(rows)["best_by_segment"]}
    assert segments["all"]["pairs"] == log.events.height == 30 * 6 + 30 * 30
    assert segments["activity:regular"]["users"] == 30
    assert sum(found["pairs"] for name, found in segments.items() if name != "all") == log.events.height


def test_the_best_of_a_segment_is_told_with_whether_that_is_shown(log: EventLog) -> None:
    offsets = (1.0, 0.0, 1e-9)
    rows = cross_validate(log, [Component(model="mean", params={"more": more}) for more in offsets], create, seed=0)
    close = describe_cross_validation(rows)["best_by_segment"][0]
    far = describe_cross_validation(rows[:2])["best_by_segment"][0]
    assert (close["model"], close["next"], close["shown"]) == ("mean", "mean", False)
    assert far["shown"]
    assert far["rmse"][0] == pytest.approx(rows[1].pooled("all").means()[0])
    alone = describe_cross_validation(rows[:1])["best_by_segment"][0]
    assert (alone["next"], alone["shown"]) == (None, False)


def test_a_model_that_predicts_no_ratings_is_named_before_any_fit(log: EventLog) -> None:
    with pytest.raises(ConfigurationError, match=r"'k-fold' measures predicted ratings; saw 'ranks'"):
        cross_validate(log, [Component(model="mean"), Component(model="ranks")], create, seed=0)


def test_predictions_in_context_stand_apart(log: EventLog) -> None:
    """A minute for each rating: the clock, which is told the rating's own time, makes no error."""
    seconds = pl.int_range(pl.len()) * 60 + pl.col(RATING).cast(pl.Int64)
    timed = as_ingested(rows().with_columns((seconds * 1_000_000).alias(TIMESTAMP)))
    timed = build_event_log(None, None, timed, RATED)
    components = [Component(model="clock"), Component(model="mean", params={"more": 1.0})]
    document = describe_cross_validation(cross_validate(timed, components, create, seed=0))
    figures = [(row["name"], row["in_context"], row["metrics"]["rmse"][0]) for row in document["models"]]
    assert [figure[:2] for figure in figures] == [("clock", False), ("clock", True), ("mean", False)]
    assert figures[1][2] == 0.0
    best = document["best_by_segment"][0]
    assert (best["model"], best["next"]) == ("clock", "mean")
    assert best["rmse"][0] > 1
    untimed = describe_cross_validation(cross_validate(log, components, create, seed=0))
    assert [row["in_context"] for row in untimed["models"]] == [False, False]
