from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from nightschool.experiments.analysis import analyze
from nightschool.experiments.intervals import ERROR, absolute_effect, always_valid
from nightschool.experiments.plan import Experiment, Plan
from nightschool.experiments.samples import moments_of, sample_of
from nightschool.experiments.sizes import POWER, Baseline, detectable, progress_of, size_of

ARMS = ({"name": "a", "share": 0.5}, {"name": "b", "share": 0.5})
PLAN = Plan.model_validate({"name": "x", "arms": ARMS, "effect": 0.2})
RATE = 0.1


def baseline(a_day: float = 500.0) -> Baseline:
    return Baseline(RATE, RATE * (1 - RATE), a_day * np.arange(1, 29))


def test_so_many_users_show_the_planned_effect_with_the_planned_chance() -> None:
    """At the planned end alone: looking before it can only find more."""
    users = size_of(PLAN, baseline()).users
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(400):
        drawn = [(rng.random(n) < rate).astype(float) for n, rate in zip(users, (RATE, 1.2 * RATE), strict=True)]
        effect = absolute_effect(*(sample_of(moments_of(each, each), "proportion") for each in drawn))
        found += effect.value > always_valid(effect, ERROR)
    assert found / 400 == pytest.approx(POWER, abs=0.05)


def test_days_are_those_until_enough_users_came_and_their_window_is_over() -> None:
    size = size_of(PLAN, baseline())
    assert size.days == int(np.ceil(sum(size.users) / 500)) + 1
    half = size_of(PLAN.model_copy(update={"share": 0.5}), baseline())
    assert (half.users, half.days) == (size.users, int(np.ceil(2 * sum(size.users) / 500)) + 1)
    assert size_of(PLAN, baseline(0.1)).days is None
    assert size_of(PLAN, Baseline(0.0, 0.0, np.ones(28))).users == ()


def test_what_the_days_of_a_plan_show_is_its_effect() -> None:
    days = size_of(PLAN, baseline()).days
    assert days is not None
    assert detectable(PLAN, baseline(), days) == pytest.approx(0.2, rel=0.05)
    longer = detectable(PLAN, baseline(), 4 * days)
    assert longer is not None
    assert longer < 0.12
    assert detectable(PLAN, baseline(10.0), 7) is None


def test_the_smallest_of_several_arms_decides() -> None:
    shares = (0.5, 0.4, 0.1)
    three = PLAN.model_copy(
        update={
            "arms": tuple(PLAN.arms[0].model_copy(update={"name": f"{n}", "share": s}) for n, s in enumerate(shares))
        }
    )
    users = size_of(three, baseline()).users
    assert sum(users) > 2 * sum(size_of(PLAN, baseline()).users)
    assert users[2] == pytest.approx(0.1 * sum(users), abs=3)


def test_days_to_go_follow_the_pace_so_far() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    experiment = Experiment(**PLAN.model_dump(), salt="s", started_at=start)
    rng = np.random.default_rng(1)
    n = 4_000
    frame = pl.DataFrame(
        {"arm": rng.choice(["a", "b"], n), "settled": True, "converted": rng.random(n) < RATE, "rejected": False}
    )
    found = progress_of(experiment, analyze(frame, ("a", "b"), (0.5, 0.5)), start + timedelta(days=9))
    assert found is not None
    assert found.needed == pytest.approx(sum(size_of(PLAN, baseline()).users), rel=0.25)
    assert found.days_to_go == int(np.ceil((found.needed - n) / 500))
    nobody = analyze(frame.head(50), ("a", "b"), (0.5, 0.5))
    assert progress_of(experiment, nobody, start + timedelta(days=9)) is None
