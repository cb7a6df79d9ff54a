from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nightschool.experiments.analysis import analyze, is_near_normal
from nightschool.experiments.assignment import assign_arm
from nightschool.experiments.intervals import wilson
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.simulator.truth import Truth, true_affinity


def outcomes(arms: np.ndarray, converted: np.ndarray, rejected: np.ndarray, settled: np.ndarray) -> pl.DataFrame:
    names = np.array(["control", "content"])[arms]
    return pl.DataFrame({"arm": names, "settled": settled, "converted": converted, "rejected": rejected})


def test_only_settled_users_are_judged_and_all_are_counted() -> None:
    arms = np.array([0, 1, 0, 1, 0])
    settled = np.array([True, True, True, False, False])
    converted, rejected = np.array([True, False, False, True, True]), np.array([False, True, False, True, True])
    control, content = analyze(outcomes(arms, converted, rejected, settled), ("control", "content"), (0.5, 0.5)).arms
    assert (control.users, control.settled, control.conversions, control.rejections) == (3, 2, 1, 0)
    assert (content.users, content.settled, content.conversions, content.rejections) == (2, 1, 0, 1)
    assert (control.conclusion, control.difference, control.harmed) == (None, None, ())
    assert (content.conclusion, content.difference) == ("no difference shown yet", None)
    assert content.comparisons["conversion"].mean == 0
    assert control.rate == wilson(1, 2)


def test_nobody_shows_nothing() -> None:
    nothing = np.zeros(0, dtype=bool)
    analysis = analyze(outcomes(nothing.astype(int), nothing, nothing, nothing), ("control", "content"), (0.5, 0.5))
    assert [arm.rate for arm in analysis.arms] == [None, None]
    assert (analysis.mismatch, analysis.broken) == (1.0, False)


def test_verdicts_and_harm_follow_the_intervals_and_a_broken_assignment_voids_them() -> None:
    rng = np.random.default_rng(6)
    arms = rng.integers(2, size=20_000)
    converted = rng.random(20_000) < np.array([0.1, 0.14])[arms]
    rejected = rng.random(20_000) < np.array([0.02, 0.05])[arms]
    frame = outcomes(arms, converted, rejected, np.ones(20_000, dtype=bool))
    names, shares = ("control", "content"), (0.5, 0.5)
    better = analyze(frame, names, shares).arms[1]
    assert (better.conclusion, better.harmed) == ("better", ("rejections",))
    worse = analyze(frame, names[::-1], shares).arms[1]
    assert (worse.conclusion, worse.harmed) == ("worse", ())
    lost = frame.with_row_index().filter((pl.col("arm") == "control") | (pl.col("index") % 5 > 0))
    analysis = analyze(lost, names, shares)
    assert analysis.broken
    assert analysis.arms[1].conclusion == "void"


def test_lists_of_the_true_probabilities_are_found_better_than_popularity(tmp_path: Path) -> None:
    """Planted truth: the next engagement hits the list of ten with a known probability for each user and arm."""
    n_users = 6_000
    simulate(SimulatorConfig(users=n_users, items=200, interactions=20_000), tmp_path)
    truth = Truth.read(tmp_path / "truth.parquet")
    users = np.arange(1, n_users + 1)
    affinity = true_affinity(truth, users, 1.0)
    popular = affinity[:, np.argsort(-truth.popularity)[:10]].sum(axis=1)
    best = np.partition(affinity, -10, axis=1)[:, -10:].sum(axis=1)
    arms = np.array([assign_arm("salt", str(user), (0.5, 0.5)) for user in users])
    hits = np.random.default_rng(7).random(n_users) < np.where(arms == 1, best, popular)
    nobody, everybody = np.zeros(n_users, dtype=bool), np.ones(n_users, dtype=bool)
    analysis = analyze(outcomes(arms, hits, nobody, everybody), ("control", "content"), (0.5, 0.5))
    found = analysis.arms[1]
    assert found.difference is not None
    assert not analysis.broken
    assert found.conclusion == "better"
    assert found.difference.low <= best.mean() - popular.mean() <= found.difference.high


@pytest.mark.parametrize(
    ("control", "arm", "rate", "near"),
    [
        (99, 150, 0.5, False),
        (100, 100, 0.01, True),
        (1_000, 1_000, 0.001, True),
        (2_000, 200, 0.02, False),
        (20_000, 2_000, 0.02, True),
        (20_000, 2_000, 0.002, False),
    ],
)
def test_an_arm_of_few_users_needs_more_of_them_the_rarer_they_convert(
    control: int, arm: int, rate: float, near: bool
) -> None:
    skewness = (1 - 2 * rate) / np.sqrt(rate * (1 - rate))
    assert is_near_normal(np.asarray(control), np.asarray(arm), np.asarray(skewness)) == near


def test_a_metric_that_is_the_same_for_all_tells_nothing() -> None:
    arms = np.arange(4_000) % 2
    nobody, everybody = np.zeros(4_000, dtype=bool), np.ones(4_000, dtype=bool)
    found = analyze(outcomes(arms, nobody, everybody, everybody), ("control", "content"), (0.5, 0.5)).arms[1]
    assert [each.difference for each in found.comparisons.values()] == [None, None]
    assert found.conclusion == "no difference shown yet"


def test_the_metric_of_the_plan_decides_and_harmed_minutes_are_told() -> None:
    rng = np.random.default_rng(8)
    n = 20_000
    arms = rng.integers(2, size=n)
    habit = rng.gamma(2.0, 10.0, n)
    frame = outcomes(arms, rng.random(n) < 0.1, np.zeros(n, dtype=bool), np.ones(n, dtype=bool)).with_columns(
        hits=rng.poisson(0.4 + 0.2 * arms),
        lists=rng.integers(1, 5, n),
        minutes=rng.poisson(habit - 1.0 * arms * (habit > 1)),
        minutes_before=habit,
        known=pl.lit(value=True),
    )
    names, shares = ("control", "content"), (0.5, 0.5)
    (_, by_conversion), (_, by_hits) = (
        analyze(frame, names, shares).arms,
        analyze(frame, names, shares, "hits a list").arms,
    )
    assert (by_conversion.conclusion, by_hits.conclusion) == ("no difference shown yet", "better")
    assert by_hits.harmed == ("minutes",)
    minutes, hits = by_hits.comparisons["minutes"], by_hits.comparisons["hits a list"]
    assert 0.8 < minutes.saved < 1
    assert hits.saved == 0
    assert hits.difference is not None
    assert hits.difference.low < 0.2 / 2.5 < hits.difference.high
    assert hits.lift is not None
    assert hits.lift.low < 0.5 < hits.lift.high
    assert minutes.single_look is not None
    assert minutes.difference is not None
    assert minutes.difference.low < minutes.single_look.low < minutes.single_look.high < minutes.difference.high


def test_what_the_tables_do_not_know_yet_is_left_out_of_minutes_alone() -> None:
    rng = np.random.default_rng(9)
    arms = np.arange(2_000) % 2
    nobody = np.zeros(2_000, dtype=bool)
    frame = outcomes(arms, rng.random(2_000) < 0.3, nobody, ~nobody).with_columns(
        minutes=rng.gamma(1.0, 5.0, 2_000), known=pl.lit(value=False)
    )
    found = analyze(frame, ("control", "content"), (0.5, 0.5)).arms[1].comparisons
    assert (found["minutes"].mean, found["minutes"].difference) == (0.0, None)
    assert found["conversion"].difference is not None
