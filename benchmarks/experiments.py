"""Intervals of experiments beside GrowthBook's, and how often experiments without a difference show one."""

import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import typer
from page import Page, table
from peers import ENVS, SCRIPTS, Environment, Envs, installed

from nightschool.experiments.analysis import is_near_normal
from nightschool.experiments.intervals import (
    ERROR,
    TIGHTEST_AT,
    Effect,
    absolute_effect,
    always_valid,
    relative_effect,
    single_look,
)
from nightschool.experiments.samples import Floats, Moments, moments_of, sample_of, theta_of

GBSTATS = Environment("3.11", ("gbstats==0.8.0",))
CASES, NEAR = 3_000, 1e-6
KINDS = ("proportion", "mean", "ratio")
EXPERIMENTS, USERS, BATCH = 1_000, 20_000, 100
SECOND_ARMS = (0.5, 0.1)
FIXED = 1.96
"""Deviations at which an interval of one look ends."""


class Metric(NamedTuple):
    """A metric of users of whom no arm is different.

    Attributes:
        kind: What is counted for a user.
        draw: Draws values and covariates, float64[n_experiments, n_users].
    """

    name: str
    kind: Any
    draw: Callable[[np.random.Generator, tuple[int, int]], tuple[Floats, Floats]]


def main(envs: Envs = ENVS) -> None:
    """Compare intervals of random sufficient statistics, then look at those without a difference at every user."""
    rng = np.random.default_rng(0)
    cases = [_case(rng) for _ in range(CASES)]
    version, theirs = _theirs(cases, envs)
    apart = dict.fromkeys(theirs[0], 0.0)
    for case, their in zip(cases, theirs, strict=True):
        for name, found in ours(case).items():
            scale = max(1.0, *map(abs, their[name]))
            apart[name] = max(apart[name], *(abs(a - b) / scale for a, b in zip(found, their[name], strict=True)))
    equal = max(apart.values()) <= NEAR
    shares = [
        [metric.name, f"{1 - second:.0%} and {second:.0%}", *(f"{share:.1%}" for share in shares_found(metric, second))]
        for second in SECOND_ARMS
        for metric in METRICS
    ]
    Page(
        name="experiments",
        title="Intervals of experiments",
        claim=f"Intervals equal gbstats' to {NEAR:g}; looked at after every user, no more than {ERROR:.0%} of "
        "experiments without a difference ever show one",
        command="python benchmarks/experiments.py",
        result=f"{'equal' if equal else 'not equal'}, at most {max(apart.values()):.1g} apart; "
        + "; ".join(f"{row[0]}, {row[1]}: {row[2]}" for row in shares),
        body=[
            f"## Beside gbstats {version}",
            f"{CASES:,} random pairs of arms: proportions, means and ratios, half of the first two with a covariate. "
            "Shown is the largest distance of value, low or high, relative where the figure is above 1.",
            table(["interval", "largest distance"], [[name, f"{each:.1e}"] for name, each in apart.items()]),
            "## Experiments without a difference",
            f"{EXPERIMENTS:,} experiments of {USERS:,} users in two arms drawn alike, looked at after every user: the "
            "share that ever exclude zero. The last column is what an interval of a single look would do.",
            table(["metric", "arms", "always valid", "single look"], shares),
        ],
    ).write()


def _case(rng: np.random.Generator) -> dict[str, Any]:
    """Draw sufficient statistics of two arms."""
    kind = KINDS[rng.integers(3)]
    arms = {}
    for arm in ("control", "arm"):
        n = int(rng.integers(20, 3_000))
        x = rng.gamma(2.0, rng.uniform(0.5, 5), n) + (kind == "ratio")
        y = x * rng.uniform(0.1, 2) + rng.lognormal(0, 1, n)
        if kind == "proportion":
            y = (y > np.median(y) * rng.uniform(0.8, 1.5)).astype(np.float64)
        arms[arm] = {name: float(value) for name, value in moments_of(y, x)._asdict().items()}
    adjusted = bool(kind != "ratio" and rng.random() < 0.5)
    common = {"kind": kind, "adjusted": adjusted, "error": float(rng.uniform(0.01, 0.2)), "tightest_at": TIGHTEST_AT}
    return {**common, **arms}


def ours(case: dict[str, Any]) -> dict[str, list[float]]:
    """Return value, low and high of the difference by test and scale."""
    control, arm = (Moments(**{name: np.float64(x) for name, x in case[each].items()}) for each in ("control", "arm"))
    theta = theta_of(control.plus(arm)) if case["adjusted"] else 0.0
    both = [sample_of(each, case["kind"], theta) for each in (control, arm)]
    found = {}
    for scale, effect in {"absolute": absolute_effect(*both), "relative": relative_effect(*both)}.items():
        for name, half_of in {"always valid": always_valid, "single look": single_look}.items():
            half = float(half_of(effect, case["error"]))
            value = float(effect.value)
            found[f"{name}, {scale}"] = [value, value - half, value + half]
    return found


def _theirs(cases: list[dict[str, Any]], envs: Path) -> tuple[str, list[dict[str, list[float]]]]:
    """Return gbstats' version and its intervals of the cases."""
    with tempfile.TemporaryDirectory() as folder:
        asked, out = Path(folder) / "cases.json", Path(folder) / "intervals.json"
        asked.write_text(json.dumps(cases), encoding="utf-8")
        words = [installed(GBSTATS, envs), SCRIPTS / "gbstats_intervals.py", asked, out]
        subprocess.run([str(word) for word in words], check=True)
        found = json.loads(out.read_text(encoding="utf-8"))
    return found["version"], found["results"]


def shares_found(metric: Metric, share: float) -> tuple[float, float]:
    """Return the shares of experiments whose interval ever excludes zero: always valid, and of a single look.

    Args:
        metric: The metric.
        share: Of the users who are in the second arm.
    """
    rng = np.random.default_rng(1)
    found = np.zeros(2)
    for _ in range(EXPERIMENTS // BATCH):
        effect, enough = _looks(metric, share, rng)
        off = np.abs(effect.value)
        found += [
            (enough & (off > half)).any(axis=1).sum()
            for half in (always_valid(effect, ERROR), FIXED * np.sqrt(effect.variance))
        ]
    return tuple(found / EXPERIMENTS)


def _looks(metric: Metric, share: float, rng: np.random.Generator) -> tuple[Effect, Any]:
    """Draw a batch of experiments and look at them after every user."""
    y, x = metric.draw(rng, (BATCH, USERS))
    second = rng.random((BATCH, USERS)) < share
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [y, y**2, x, x**2, x * y]
        both = [
            Moments(member.cumsum(axis=1), *((part * member).cumsum(axis=1) for part in parts))
            for member in (~second, second)
        ]
        pooled = both[0].plus(both[1])
        theta = theta_of(pooled) if metric.kind != "ratio" else 0.0
        effect = absolute_effect(*(sample_of(each, metric.kind, theta) for each in both))
        powers = [(y**power).cumsum(axis=1) for power in (1, 2, 3)]
        enough = is_near_normal(both[0].n, both[1].n, _skewness(pooled.n, *powers))
    return effect, enough


def _skewness(n: Floats, one: Floats, two: Floats, three: Floats) -> Floats:
    mean = one / n
    second = two / n - mean**2
    return (three / n - 3 * mean * second - mean**3) / second**1.5


def _conversion(rng: np.random.Generator, shape: tuple[int, int], rate: float) -> tuple[Floats, Floats]:
    eager = rng.gamma(2.0, 0.5, shape)
    return (rng.random(shape) < np.minimum(rate * eager, 1)).astype(np.float64), rng.poisson(2 * eager).astype(float)


def _minutes(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Most users none, the others a heavy tail that goes on from before."""
    habit = rng.normal(0.0, 1.0, shape)
    y, x = (np.where(rng.random(shape) < 0.4, np.exp(2 + habit + rng.normal(0.0, 1.0, shape)), 0.0) for _ in range(2))
    return y, x


def _ratio(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    lists = 1.0 + rng.geometric(0.3, shape)
    return rng.binomial(lists.astype(int), rng.beta(1.0, 9.0, shape)).astype(float), lists


METRICS = (
    Metric("conversion of 2 %", "proportion", lambda rng, shape: _conversion(rng, shape, 0.02)),
    Metric("conversion of 20 %", "proportion", lambda rng, shape: _conversion(rng, shape, 0.2)),
    Metric("minutes, heavy-tailed", "mean", _minutes),
    Metric("hits a list", "ratio", _ratio),
)

if __name__ == "__main__":
    typer.run(main)
