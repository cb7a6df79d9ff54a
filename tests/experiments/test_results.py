from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from nightschool.columns import INTERACTIONS
from nightschool.experiments.plan import Plan
from nightschool.experiments.results import measured, results_of
from nightschool.experiments.store import Experiments, Exposure, Shown
from nightschool.settings import Settings
from nightschool.storage.home import Home
from nightschool.storage.tables import EXPERIMENTS
from tests.serving.homes import N_USERS

ARMS = ({"name": "a", "share": 0.5}, {"name": "b", "share": 0.5})
START = datetime(2025, 6, 20, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def experiments(database: sa.Engine) -> Experiments:
    """An experiment of June 2025 that showed every user a list at its start."""
    store = Experiments(database)
    store.start(Plan.model_validate({"name": "x", "arms": ARMS, "window_hours": 24 * 7, "metric": "minutes"}))
    with database.begin() as connection:
        connection.execute(sa.update(EXPERIMENTS).values(started_at=START))
    lists = [Exposure("x", str(user), "ab"[user % 2], "r", START, [Shown("1", 1.0)]) for user in range(1, N_USERS + 1)]
    store.log_exposures(lists)
    return store


def test_minutes_and_scores_come_from_the_tables(experiments: Experiments, home: Home) -> None:
    frame = measured(experiments, experiments.get("x"), Settings(home=home.paths.root), datetime.now(UTC))
    rows = home.lake.scan(INTERACTIONS).collect()
    at = pl.col("timestamp")
    after = rows.filter(at >= START, at < START + WEEK)
    before = rows.filter(at < START, at >= START - 2 * WEEK)
    assert frame["minutes"].sum() == pytest.approx(after["duration_seconds"].sum() / 60)
    assert frame["minutes_before"].sum() == pytest.approx(before["duration_seconds"].sum() / 60)
    assert frame["known"].all()
    assert {"scores", "scores_before", "events", "hits_before"} <= set(frame.columns)


def test_the_planned_metric_decides(experiments: Experiments, home: Home, tmp_path: Path) -> None:
    found = results_of(experiments, experiments.get("x"), Settings(home=home.paths.root))
    assert [arm.settled for arm in found.arms] == [N_USERS // 2] * 2
    minutes = found.arms[1].comparisons["minutes"]
    assert minutes.difference is not None
    assert minutes.difference.low < 0 < minutes.difference.high
    assert found.arms[1].conclusion == "no difference shown yet"
    without = results_of(experiments, experiments.get("x"), Settings(home=tmp_path / "none"))
    assert "minutes" not in without.arms[1].comparisons
    assert without.arms[1].conclusion == "no difference shown yet"
