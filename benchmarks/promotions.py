"""A year of nights whose challengers are no better, or a little better: how often one is promoted, and how soon."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from page import Page, table

from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.intervals import TAIL
from nightschool.night.lineage import YEARLY_ERROR, promotion_error
from nightschool.night.recipe_gates import SUPERIOR
from nightschool.storage.release import Release

YEARS: Final = 2000
"""Years that are simulated of each kind; the share of years is known to about a percent."""

Floats = NDArray[np.float64]
_BEGIN: Final = datetime(2026, 1, 1, 2, tzinfo=UTC)


class Year(NamedTuple):
    """How the nights of a year compare challengers.

    Attributes:
        title: What it is like, for people.
        every: Days between two comparisons.
        users: Users of a test.
        renewed: Share of the users that a test has not in common with the one before.
        skewed: Whether few users gain much and the others lose a little.
        better: By how much the challenger is better, in ndcg@10.
    """

    title: str
    every: int
    users: int
    renewed: float
    skewed: bool = False
    better: float = 0.0


NULL = (
    Year("weekly, 1,000 users, another test each week", 7, 1000, 1.0),
    Year("weekly, 1,000 users, a quarter of the test is new", 7, 1000, 0.25),
    Year("weekly, 200 users, skewed", 7, 200, 1.0, skewed=True),
    Year("every night, 1,000 users, a thirtieth of the test is new", 1, 1000, 1 / 30),
)
ALTERNATIVE = tuple(
    Year(f"weekly, 1,000 users, a quarter is new, better by {better:g}", 7, 1000, 0.25, better=better)
    for better in (0.005, 0.01, 0.02, 0.03)
)


def main(years: int = YEARS) -> None:
    """Simulate the years and write the page."""
    rules: dict[str, Callable[[list[Release], datetime], float]] = {
        "2.5 % a comparison": lambda _history, _as_of: TAIL,
        f"{YEARLY_ERROR:.0%} a year": promotion_error,
    }
    false = [
        [year.title, *(f"{_share(first_days(year, rule, years)):.1%}" for rule in rules.values())] for year in NULL
    ]
    true = []
    for year in ALTERNATIVE:
        days = [first_days(year, rule, years // 4) for rule in rules.values()]
        true.append([year.title, *(_told(each) for each in days)])
    shares = sorted(float(row[1].rstrip("%")) for row in false)
    before = f"{shares[0]:.1f} to {shares[-1]:.1f} %"
    worst = max(float(row[-1].rstrip("%")) for row in false)
    Page(
        name="promotions",
        title="Promotions over a year",
        claim=f"At most {YEARLY_ERROR:.0%} of years hold a promotion of a challenger that is no better",
        command="python benchmarks/promotions.py",
        result=f"{worst:.1f} % of {years:,} years at most, of {len(NULL)} kinds; {before} at 2.5 % a comparison",
        body=[
            _HOW,
            "## No challenger is better: years with a promotion",
            table(["year", *rules], false),
            "## A challenger is better: years with a promotion, and the median of the days until it",
            _POWER,
            table(["year", *rules], true),
        ],
    ).write()


_HOW = (
    "Each comparison is the gate `superior` itself, with the error that `promotion_error` gives the night. A user's "
    "difference in ndcg@10 is zero for half of them and normal with a deviation of .2 for the others; `skewed`: a "
    "tenth gain .45 and the others lose .05. Users who stay in the test from one comparison to the next keep their "
    "difference, as where windows overlap."
)
_POWER = "What the bound costs: a gain that one test shows with 97.5 % only is promoted later, or not within the year."


def first_days(year: Year, rule: Callable[[list[Release], datetime], float], n_years: int) -> Floats:
    """Return the day of the first promotion of each year, float64 [n_years]; infinite without one."""
    found = np.full(n_years, np.inf)
    for number in range(n_years):
        rng = np.random.default_rng([number, year.users, year.every])
        history, differences = [_release(0, compared=False)], _drawn(year, year.users, rng)
        for day in range(year.every, 366, year.every):
            new = rng.random(year.users) < year.renewed
            differences[new] = _drawn(year, int(new.sum()), rng)
            as_of = _BEGIN + timedelta(days=day)
            base = np.full(year.users, 0.5)
            gate = SUPERIOR.ask(_evaluation(base + differences), _evaluation(base), rule(history, as_of))
            if gate.passed:
                found[number] = day
                break
            history = [history[0], _release(day, compared=True)]
    return found


def _drawn(year: Year, n: int, rng: np.random.Generator) -> Floats:
    if year.skewed:
        return np.where(rng.random(n) < 0.1, 0.45, -0.05)
    return np.where(rng.random(n) < 0.5, 0.0, rng.normal(0, 0.2, n)) + year.better


def _evaluation(values: Floats) -> Evaluation:
    return Evaluation(np.arange(len(values), dtype=np.int32), {"ndcg": {10: values}}, {})


def _release(day: int, *, compared: bool) -> Release:
    asked = [{"name": SUPERIOR.name}] if compared else []
    at = _BEGIN + timedelta(days=day)
    return Release(
        release_id=f"day {day}", status="published", as_of=at, created_at=at, commit_version=day, gates={"asked": asked}
    )


def _share(days: Floats) -> float:
    return float(np.isfinite(days).mean())


def _told(days: Floats) -> str:
    middle = float(np.median(days))
    return f"{_share(days):.0%}, {middle:.0f} days" if np.isfinite(middle) else f"{_share(days):.0%}, –"


if __name__ == "__main__":
    typer.run(main)
