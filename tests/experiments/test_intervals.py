"""Intervals against gbstats, and against what they promise on drawn experiments that are looked at after every user."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from nightschool.experiments.analysis import is_near_normal
from nightschool.experiments.intervals import (
    ERROR,
    Effect,
    absolute_effect,
    always_valid,
    boundary,
    relative_effect,
    single_look,
    wilson,
)
from nightschool.experiments.samples import Floats, Kind, Moments, moments_of, sample_of, theta_of
from tests.experiments.gbstats_values import CASES

EXPERIMENTS, USERS = 300, 4_000
Drawn = tuple[Floats, Floats]


@pytest.mark.parametrize(("kind", "adjusted", "error", "control", "arm", "expected"), CASES)
def test_intervals_are_those_of_growthbook(
    kind: Kind,
    adjusted: bool,
    error: float,
    control: tuple[float, ...],
    arm: tuple[float, ...],
    expected: dict[str, tuple[float, ...]],
) -> None:
    both = [Moments(*map(np.asarray, sums)) for sums in (control, arm)]
    theta = theta_of(both[0].plus(both[1])) if adjusted else 0.0
    samples = [sample_of(each, kind, theta) for each in both]
    found = {}
    for scale, effect in {"absolute": absolute_effect(*samples), "relative": relative_effect(*samples)}.items():
        for name, half_of in {"always valid": always_valid, "single look": single_look}.items():
            half = half_of(effect, error)
            found[f"{name}, {scale}"] = (effect.value, effect.value - half, effect.value + half)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, abs=1e-6)


def conversion(rate: float) -> Callable[[np.random.Generator, tuple[int, int]], Drawn]:
    """Conversions of a rate, with what users did before as a covariate."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Drawn:
        eager = rng.gamma(2.0, 0.5, shape)
        return (rng.random(shape) < np.minimum(rate * eager, 1)).astype(float), rng.poisson(2 * eager).astype(float)

    return draw


def minutes(rng: np.random.Generator, shape: tuple[int, int]) -> Drawn:
    """No minutes for most users, and a heavy tail that goes on from before for others."""
    habit = rng.normal(0.0, 1.0, shape)
    after, before = (np.exp(2 + habit + rng.normal(0.0, 1.0, shape)) * (rng.random(shape) < 0.4) for _ in range(2))
    return after, before


def hits_a_list(rng: np.random.Generator, shape: tuple[int, int]) -> Drawn:
    lists = rng.geometric(0.3, shape)
    return rng.binomial(lists, rng.beta(1.0, 9.0, shape)).astype(float), lists.astype(float)


def looks(kind: Kind, drawn: Drawn, second: np.ndarray) -> tuple[Effect, np.ndarray]:
    """The effect after every user, float64[n_experiments, n_users], and where it is reported."""
    y, x = drawn
    parts = [y, y**2, x, x**2, x * y]
    with np.errstate(divide="ignore", invalid="ignore"):
        both = [
            Moments(arm.cumsum(axis=1), *((part * arm).cumsum(axis=1) for part in parts)) for arm in (~second, second)
        ]
        pooled = both[0].plus(both[1])
        theta = 0.0 if kind == "ratio" else theta_of(pooled)
        effect = absolute_effect(*(sample_of(each, kind, theta) for each in both))
        mean = pooled.y / pooled.n
        variance = pooled.yy / pooled.n - mean**2
        third = (y**3).cumsum(axis=1) / pooled.n - 3 * mean * variance - mean**3
        near = is_near_normal(both[0].n, both[1].n, third / variance**1.5)
    return effect, near


def excluded(effect: Effect, near: np.ndarray, half: Floats, truth: float = 0.0) -> float:
    """The share of experiments in which any look excludes the truth."""
    return float((near & (np.abs(effect.value - truth) > half)).any(axis=1).mean())


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize(
    ("kind", "draw"),
    [("proportion", conversion(0.02)), ("proportion", conversion(0.2)), ("mean", minutes), ("ratio", hits_a_list)],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_looking_after_every_user_shows_a_difference_in_at_most_one_of_twenty_experiments_without_one(
    kind: Kind, draw: Callable[[np.random.Generator, tuple[int, int]], Drawn], share: float
) -> None:
    rng = np.random.default_rng(20_261)
    drawn = draw(rng, (EXPERIMENTS, USERS))
    effect, near = looks(kind, drawn, rng.random((EXPERIMENTS, USERS)) < share)
    assert excluded(effect, near, always_valid(effect, ERROR)) <= ERROR
    if share == 0.5:
        assert near[:, -1].all()
        assert excluded(effect, near, 1.96 * np.sqrt(effect.variance)) > 0.2, "what the wider intervals are for"


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_true_effect_is_found_and_every_look_holds_it() -> None:
    rng = np.random.default_rng(2)
    second = rng.random((EXPERIMENTS, 8_000)) < 0.5
    converted = (rng.random(second.shape) < np.where(second, 0.14, 0.10)).astype(float)
    effect, near = looks("proportion", (converted, np.zeros_like(converted)), second)
    half = always_valid(effect, ERROR)
    assert excluded(effect, near, half) >= 0.9
    assert excluded(effect, near, half, truth=0.04) <= ERROR


def test_a_covariate_finds_what_is_hidden_without_it() -> None:
    rng = np.random.default_rng(3)
    before = rng.gamma(2.0, 10.0, (2, 3_000))
    after = before + rng.normal(0, 4, before.shape) + np.array([[0.0], [0.8]])
    both = [moments_of(after[arm], before[arm]) for arm in (0, 1)]
    plain = absolute_effect(*(sample_of(each, "mean") for each in both))
    theta = theta_of(both[0].plus(both[1]))
    adjusted = absolute_effect(*(sample_of(each, "mean", theta) for each in both))
    assert abs(plain.value) < always_valid(plain, ERROR)
    assert adjusted.value - always_valid(adjusted, ERROR) > 0
    assert adjusted.variance / plain.variance == pytest.approx(
        1 - np.corrcoef(before.ravel(), after.ravel())[0, 1] ** 2, rel=0.05
    )


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
