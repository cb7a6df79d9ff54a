"""Thompson sampling over arms, simulated day by day: what it loses to the best arm, beside a uniform split."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray
from page import RESULTS, Page, table

from nightschool.charts.theme import Chart, styled
from nightschool.experiments.bandit import discounted, thompson_shares

DAYS, USERS, SEEDS = 60, 1_000, 60
DELAY: Final = 3
"""A day's shares know the days up to the third before: a reward may come a day after the list, and a night sets the
shares of the next day."""
FLOOR: Final = 0.05

Floats = NDArray[np.float64]


class Policy(NamedTuple):
    """How each day's shares are set.

    Attributes:
        name: For people.
        half_life: Days after which a result weighs half; None: never.
    """

    name: str
    half_life: float | None = None


UNIFORM, BEST = Policy("uniform split"), Policy("best fixed arm")
STEADY, FORGETTING = Policy("Thompson"), Policy("Thompson, half-life 7 days", 7.0)
POLICIES = (UNIFORM, BEST, STEADY, FORGETTING)


def world(first: tuple[float, ...], then: tuple[float, ...] | None = None) -> Floats:
    """Return the rate of each arm on each day, float64 [n_days, n_arms], which may change halfway."""
    return np.array([*[first] * (DAYS // 2), *[then or first] * (DAYS - DAYS // 2)])


WORLDS: Mapping[str, Floats] = {
    "stationary, one arm 20 % better": world((0.05, 0.05, 0.06, 0.05)),
    "stationary, one arm 5 % better": world((0.05, 0.05, 0.0525, 0.05)),
    "changing: another arm becomes the best halfway": world((0.05, 0.05, 0.07, 0.05), (0.07, 0.05, 0.05, 0.05)),
}


def simulate(rates: Floats, policy: Policy, rng: np.random.Generator) -> Floats:
    """Run one experiment; return the shares of each day, float64 [n_days, n_arms].

    Args:
        rates: float64 [n_days, n_arms], the chance that a user of an arm is rewarded.
        policy: How shares are set.
        rng: Draws the users' arms and rewards.
    """
    n_arms = rates.shape[1]
    shares = np.full_like(rates, 1 / n_arms)
    if policy is BEST:
        return np.tile(np.eye(n_arms)[rates.mean(axis=0).argmax()], (len(rates), 1))
    trials, hits = np.zeros_like(rates), np.zeros_like(rates)
    for day in range(len(rates)):
        known = max(day - DELAY + 1, 0)
        if policy is not UNIFORM and known:
            rewards = discounted(trials[:known], hits[:known], policy.half_life)
            shares[day] = thompson_shares(rewards, FLOOR)
        trials[day] = rng.multinomial(USERS, shares[day])
        hits[day] = rng.binomial(trials[day].astype(np.int64), rates[day])
    return shares


def lost(rates: Floats, shares: Floats, reference: Floats) -> Floats:
    """Sum the expected rewards that were lost to a reference up to each day, float64 [n_days].

    Args:
        rates: float64 [n_days, n_arms].
        shares: float64 [n_days, n_arms].
        reference: float64 [n_days], the rate that is aimed at on each day.
    """
    return USERS * np.cumsum(reference - (shares * rates).sum(axis=1))


def best_fixed(rates: Floats) -> Floats:
    """Return the rate of the arm that is the best over all days, on each day, float64 [n_days]."""
    return rates[:, rates.mean(axis=0).argmax()]


def mean_interval(values: Floats) -> tuple[float, float, float]:
    """Compute the mean over seeds with its 95 % interval."""
    mean, half = float(values.mean()), 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
    return mean, mean - half, mean + half


def main() -> None:
    """Simulate every policy in every world over all seeds, and write the page."""
    rows, curves, regret = [], [], dict[tuple[str, str], tuple[float, float, float]]()
    for name, rates in WORLDS.items():
        for policy in POLICIES:
            runs = [simulate(rates, policy, np.random.default_rng(seed)) for seed in range(SEEDS)]
            fixed = np.stack([lost(rates, shares, best_fixed(rates)) for shares in runs])
            daily = np.stack([lost(rates, shares, rates.max(axis=1)) for shares in runs])
            regret[name, policy.name] = mean_interval(fixed[:, -1])
            best = float(np.mean([shares[-1, rates[-1].argmax()] for shares in runs]))
            rows.append(
                [
                    name,
                    policy.name,
                    _words(regret[name, policy.name]),
                    _words(mean_interval(daily[:, -1])),
                    f"{float((fixed[:, -1] > regret[name, UNIFORM.name][0] + 1e-6).mean()):.0%}",
                    f"{best:.0%}",
                ]
            )
            curves += [(name, policy.name, day + 1, value) for day, value in enumerate(daily.mean(axis=0).tolist())]
    _write(rows, regret, _draw(pl.DataFrame(curves, schema=["world", "policy", "day", "lost"], orient="row")))


def _words(figure: tuple[float, float, float]) -> str:
    value, low, high = (round(each) for each in figure)
    return f"{value} [{low}, {high}]"


def _draw(curves: pl.DataFrame) -> str:
    """Draw what is lost over the days, one panel a world, and return the file's name."""
    file = RESULTS / "bandit_regret.svg"
    panels = alt.vconcat(*(_panel(name, curves.filter(pl.col("world") == name)) for name in WORLDS))
    styled(panels).save(str(file))
    return file.name


def _panel(name: str, curves: pl.DataFrame) -> Chart:
    lines = alt.Chart(curves).mark_line()
    return lines.encode(
        x=alt.X("day:Q", title="day", scale=alt.Scale(domain=[1, DAYS], nice=False)),
        y=alt.Y("lost:Q", title="conversions lost"),
        color=alt.Color("policy:N", title="", sort=[policy.name for policy in POLICIES]),
    ).properties(title=name, width=560, height=160)


def _write(rows: list[list[str]], regret: Mapping[tuple[str, str], tuple[float, float, float]], chart: str) -> None:
    still, _, changing = WORLDS
    parts = [
        f"{label}: {_words(regret[world, policy.name])} of {_words(regret[world, UNIFORM.name])}"
        for label, world, policy in (
            ("stationary", still, STEADY),
            ("changing, half-life 7 days", changing, FORGETTING),
        )
    ]
    conversions = int(USERS * WORLDS[still].max(axis=1).sum())
    Page(
        name="bandit",
        title="Thompson sampling over arms",
        claim="Shares by Thompson sampling lose fewer conversions to the best fixed arm than a uniform split",
        command="python benchmarks/bandit.py",
        result=f"conversions lost by Thompson, and by a uniform split: {'; '.join(parts)}",
        body=[
            f"Four arms, {USERS:,} users a day for {DAYS} days, each rewarded with the rate of their arm; the best of "
            f"the first world brings {conversions:,} conversions in all. Shares are set anew each day from the days "
            f"whose rewards are complete, and no arm has less than {FLOOR:.0%}. Regret is the expected number of "
            f"conversions lost, the mean of {SEEDS} seeds with its 95 % interval. The best fixed arm is the one that "
            "is best over all days; where the world changes, a policy that follows the change may lose less than "
            "nothing to it. The last columns: runs that lose more than the uniform split does on average, and the mean "
            "share of the last day's best arm.",
            table(
                ["world", "policy", "to the best fixed arm", "to each day's best", "worse runs", "share of the best"],
                rows,
            ),
            f"![Conversions lost to each day's best arm]({chart})",
        ],
    ).write()


if __name__ == "__main__":
    main()
