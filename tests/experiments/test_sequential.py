"""The statistics of experiments against what they promise, on drawn experiments that are looked at every day."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from nightschool.experiments.assignment import assign_arm
from nightschool.experiments.sequential import (
    ERROR,
    MISMATCH_ERROR,
    Estimate,
    analyze,
    boundary,
    difference_of_rates,
    mismatch_p_value,
    wilson,
)
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.simulator.truth import Truth, true_affinity

REPETITIONS = 400
DAYS, USERS_A_DAY = 30, 400


def drawn(rng: np.random.Generator, rates: tuple[float, ...], shares: tuple[float, ...]) -> tuple[np.ndarray, ...]:
    """Users and conversions of each arm at the end of each day, int[DAYS, n_arms]: every user has settled by then."""
    users = rng.multinomial(USERS_A_DAY, shares, size=DAYS)
    return users.cumsum(axis=0), rng.binomial(users, rates).cumsum(axis=0)


def share_found(rates: tuple[float, ...], shares: tuple[float, ...], truth: float | None = None) -> float:
    """How often any day's interval excludes the given difference of the second arm to the first, or zero."""
    rng = np.random.default_rng(20_261)
    found = 0
    for _ in range(REPETITIONS):
        users, hits = drawn(rng, rates, shares)
        looks = [difference_of_rates(hit, n, ERROR) for hit, n in zip(hits, users, strict=True)]
        found += any(look.low > (truth or 0.0) or look.high < (truth or 0.0) for look in looks)
    return found / REPETITIONS


@pytest.mark.parametrize(
    ("rate", "shares"), [(0.1, (0.5, 0.5)), (0.02, (0.5, 0.5)), (0.1, (0.9, 0.1)), (0.6, (0.2, 0.8))]
)
def test_arms_that_do_not_differ_are_called_different_in_at_most_one_of_twenty_experiments(
    rate: float, shares: tuple[float, float]
) -> None:
    assert share_found((rate, rate), shares) <= ERROR


def test_looking_daily_at_intervals_of_one_look_would_call_chance_an_effect() -> None:
    """What the wider intervals are for."""
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(REPETITIONS):
        users, hits = drawn(rng, (0.1, 0.1), (0.5, 0.5))
        rates = hits / users
        error = np.sqrt((rates * (1 - rates) / users).sum(axis=1))
        found += (np.abs(rates[:, 1] - rates[:, 0]) > 1.96 * error).any()
    assert found / REPETITIONS > 0.2


def test_a_true_effect_is_found_and_the_interval_holds_it() -> None:
    rates = (0.10, 0.13)
    assert share_found(rates, (0.5, 0.5)) >= 0.9
    assert share_found(rates, (0.5, 0.5), truth=0.03) <= ERROR


def test_several_arms_together_are_called_different_in_at_most_one_of_twenty_experiments() -> None:
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(REPETITIONS):
        users, hits = drawn(rng, (0.1,) * 4, (0.25,) * 4)
        looks = [
            difference_of_rates(hits[day, [0, arm]], users[day, [0, arm]], ERROR / 3)
            for day in range(DAYS)
            for arm in (1, 2, 3)
        ]
        found += any(look.low > 0 or look.high < 0 for look in looks)
    assert found / REPETITIONS <= ERROR


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (0.5, 0.25, 0.25)])
def test_arms_filled_as_planned_are_hardly_ever_called_not_so(shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(4)
    called = 0
    for _ in range(REPETITIONS):
        members = np.eye(len(shares), dtype=bool)[rng.choice(len(shares), 5_000, p=shares)]
        # The least of all prefixes is below it when any look was.
        called += mismatch_p_value(members, shares) <= MISMATCH_ERROR
    assert called / REPETITIONS <= MISMATCH_ERROR


def test_a_broken_assignment_is_found() -> None:
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(100):
        # A tenth of the second arm's users is lost.
        arms = (rng.random(12_000) < 0.45 / 0.95).astype(int)
        found += mismatch_p_value(np.eye(2, dtype=bool)[arms], (0.5, 0.5)) <= MISMATCH_ERROR
    assert found >= 95


def test_the_check_of_filling_is_the_bayes_factor_of_the_paper() -> None:
    members = np.eye(2, dtype=bool)[[0, 0, 0, 1, 0, 0]]
    least = 1.0
    for n in range(1, 7):
        first, second = members[:n].sum(axis=0)
        planned = 0.5**n
        # A Dirichlet prior of two arms is a beta prior.
        mixture = stats.betabinom.pmf(first, n, 50, 50) / stats.binom.pmf(first, n, 0.5) * planned
        least = min(least, planned / mixture)
        assert second == n - first
    assert mismatch_p_value(members, (0.5, 0.5)) == pytest.approx(least)
    assert mismatch_p_value(members[:0], (0.5, 0.5)) == 1.0


def test_a_rate_has_wilsons_interval() -> None:
    for hits, n in ((0, 10), (3, 10), (10, 10), (137, 2_000)):
        told = wilson(hits, n)
        reference = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
        assert told == pytest.approx((hits / n, reference.low, reference.high), abs=1e-12)
    assert wilson(0, 0) is None


def test_the_boundary_is_the_papers_at_the_spread_that_it_is_tightest_for() -> None:
    # Eq. (9) and the choice of ρ by hand for t* = 5000 and α = .05.
    rho = np.sqrt((-2 * np.log(0.05) + np.log(-2 * np.log(0.05) + 1)) / 5_000)
    for t in (100, 5_000, 80_000):
        by_hand = np.sqrt(2 * (t * rho**2 + 1) / (t**2 * rho**2) * np.log(np.sqrt(t * rho**2 + 1) / 0.05))
        assert boundary(t, 0.05) == pytest.approx(by_hand)
    assert boundary(5_000, 0.05) * np.sqrt(5_000) < 3.1


@pytest.mark.parametrize(
    ("hits", "n"),
    [((0, 0), (0, 0)), ((0, 5), (0, 10)), ((50, 99), (150, 99)), ((0, 1), (9_000, 9_000)), ((10, 100), (10, 100))],
)
def test_few_users_tell_nothing(hits: tuple[int, int], n: tuple[int, int]) -> None:
    assert difference_of_rates(np.array(hits), np.array(n), ERROR)[1:] == (-1.0, 1.0)


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
    assert (control.conclusion, control.difference, control.harm, control.harms) == (None, None, None, False)
    assert (content.conclusion, content.difference) == ("no difference shown yet", Estimate(-0.5, -1.0, 1.0))
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
    assert (better.conclusion, better.harms) == ("better", True)
    worse = analyze(frame, names[::-1], shares).arms[1]
    assert (worse.conclusion, worse.harms) == ("worse", False)
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
