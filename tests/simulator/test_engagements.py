from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import chisquare

from nightschool.columns import DURATION, EVENT, LIKED, TIMESTAMP, USER_ID
from nightschool.simulator import preferences as planted
from nightschool.simulator.config import PERIOD_END, SimulatorConfig
from nightschool.simulator.content import draw_content
from nightschool.simulator.engagements import (
    choose_items,
    hour_weights,
    independent_engagements,
    latent_engagements,
    mean_elapsed,
)
from nightschool.simulator.planting import plant
from nightschool.simulator.truth import Truth, true_affinity
from nightschool.simulator.users import draw_users
from nightschool.simulator.vocabulary import CONTENT_ID, EVENT_WEIGHTS, EVENTS

N = 40_000
CONFIG = SimulatorConfig(users=1_000, items=200, interactions=N)
Logs = dict[str, pl.DataFrame]


def planted_truth(config: SimulatorConfig) -> Truth:
    users = draw_users(config.users, np.random.default_rng(1))
    content = draw_content(config.items, np.random.default_rng(2))
    return plant(config, users, content, mean_elapsed(config), np.random.default_rng(3))


@pytest.fixture(scope="module")
def truth() -> Truth:
    return planted_truth(CONFIG)


@pytest.fixture(scope="module")
def logs(truth: Truth) -> Logs:
    return {
        "independent": independent_engagements(CONFIG, np.random.default_rng(4)),
        "latent": latent_engagements(CONFIG, truth, np.random.default_rng(4)),
    }


@pytest.mark.parametrize("mode", ["independent", "latent"])
def test_the_log_keeps_its_margins(logs: Logs, mode: str) -> None:
    log = logs[mode]
    assert log.height == N
    counts = [int((log[EVENT] == event).sum()) for event in EVENTS]
    assert chisquare(counts, N * np.array(EVENT_WEIGHTS)).pvalue > 1e-4
    assert log[DURATION].mean() == pytest.approx(900, abs=8)
    assert log[DURATION].std() == pytest.approx(300, abs=8)
    assert log[DURATION].min() >= 30
    assert log[DURATION].max() <= 3600
    assert log[LIKED].drop_nulls().all()
    assert log[LIKED].is_not_null().mean() == pytest.approx(0.8 * 900 / 3600 + 0.1, abs=0.01)


@pytest.mark.parametrize("mode", ["independent", "latent"])
def test_longer_stays_are_liked_more_often(logs: Logs, mode: str) -> None:
    stay, liked = logs[mode][DURATION], logs[mode][LIKED].is_not_null()
    assert liked.filter(stay > 1100).mean() - liked.filter(stay < 700).mean() > 0.08


@pytest.mark.parametrize("mode", ["independent", "latent"])
def test_activity_and_popularity_are_as_uneven_as_their_dirichlet(logs: Logs, mode: str) -> None:
    # A share's squared coefficient of variation under Dirichlet(c) is 1/c; counts add 1/mean to it.
    for column, n, concentration in ((USER_ID, CONFIG.users, 0.5), (CONTENT_ID, CONFIG.items, 0.8)):
        counts = np.bincount(logs[mode][column].to_numpy() - 1, minlength=n)
        assert counts.var() / counts.mean() ** 2 == pytest.approx(1 / concentration + 1 / counts.mean(), rel=0.35)


@pytest.mark.parametrize("mode", ["independent", "latent"])
def test_the_log_is_in_time_order_within_the_period(logs: Logs, mode: str) -> None:
    times = logs[mode][TIMESTAMP]
    assert times.is_sorted()
    assert times[0] >= CONFIG.period_start
    assert times[-1] < PERIOD_END


def test_independent_time_is_uniform(logs: Logs) -> None:
    assert chisquare(np.bincount(logs["independent"][TIMESTAMP].dt.hour(), minlength=24)).pvalue > 1e-4


def test_latent_time_follows_weekdays_and_hours(logs: Logs, truth: Truth) -> None:
    people = logs["latent"].filter(~pl.Series(truth.bots[logs["latent"][USER_ID].to_numpy() - 1]))
    hours = np.bincount(people[TIMESTAMP].dt.hour(), minlength=24)
    assert chisquare(hours, people.height * np.array(planted.HOURS) / sum(planted.HOURS)).pvalue > 1e-4
    days = np.bincount(people[TIMESTAMP].dt.weekday() - 1, minlength=7)
    assert days[5] < days[4] < days[1]


def test_hour_weights_start_on_the_weekday_of_the_period() -> None:
    config = SimulatorConfig(days=2)  # Sunday and Monday, 29 and 30 June 2025
    weights = hour_weights(config)
    assert weights[:24] == pytest.approx(np.array(planted.HOURS) * planted.WEEKDAYS[6])
    assert weights[24:] == pytest.approx(np.array(planted.HOURS) * planted.WEEKDAYS[0])
    assert 0.5 < mean_elapsed(config) < 0.8


def test_bots_only_view_and_in_bursts_of_seconds(logs: Logs, truth: Truth) -> None:
    log = logs["latent"].with_columns(pl.col(TIMESTAMP).diff().over(USER_ID).alias("gap"))
    quick = (pl.col("gap") <= pl.duration(seconds=5)).mean().alias("quick")
    users = log.group_by(USER_ID).agg(quick, (pl.col(EVENT) == "viewed").all().alias("views"), pl.len())
    bots = users.filter(pl.col(USER_ID).is_in((np.flatnonzero(truth.bots) + 1).tolist()))
    people = users.filter(~pl.col(USER_ID).is_in(bots[USER_ID].implode()))
    assert bots.height == truth.bots.sum()
    assert bots["views"].all()
    assert bots["quick"].min() > 0.5
    assert people.filter(pl.col("len") > 20)["quick"].max() < 0.2


def test_items_are_chosen_with_their_true_probabilities() -> None:
    truth = planted_truth(SimulatorConfig(users=3, items=12))
    n = 60_000
    users = np.repeat(np.arange(3, dtype=np.int32), n // 3)
    for elapsed in (0.0, 0.4, 1.0):
        items = choose_items(truth, users, np.full(n, elapsed), np.random.default_rng(5))
        expected = true_affinity(truth, np.arange(1, 4), elapsed).astype(np.float64) * n / 3
        for user in range(3):
            counts = np.bincount(items[users == user], minlength=12)
            often = expected[user] >= 5
            observed = np.append(counts[often], counts[~often].sum())
            wanted = np.append(expected[user][often], max(n / 3 - expected[user][often].sum(), 1e-9))
            keep = wanted > 1
            assert chisquare(observed[keep], wanted[keep] * observed[keep].sum() / wanted[keep].sum()).pvalue > 1e-4


def test_the_choice_moves_with_the_interests() -> None:
    truth = planted_truth(SimulatorConfig(users=2, items=30))
    n_interests = truth.pull.shape[1]
    first, last = np.eye(n_interests, dtype=np.float32)[[0, 0]], np.eye(n_interests, dtype=np.float32)[[-1, -1]]
    moving = replace(truth, early=first, late=last)
    users = np.zeros(5_000, dtype=np.int32)
    middle = choose_items(moving, users, np.full(5_000, 0.5), np.random.default_rng(0))
    expected = true_affinity(moving, np.array([1]), 0.5)[0]
    np.testing.assert_allclose(np.bincount(middle, minlength=30) / 5_000, expected, atol=0.03)
