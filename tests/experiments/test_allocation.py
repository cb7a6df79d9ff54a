"""Shares that follow the results: counted by day, set for the next day, and kept."""

from collections import Counter
from datetime import date, timedelta

import polars as pl
import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from nightschool.experiments.allocation import Allocations, daily_counts
from nightschool.experiments.assignment import assign_arm
from nightschool.experiments.plan import Experiment, Plan
from nightschool.experiments.store import Experiments
from nightschool.shown.impression_store import Impression, ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.storage.events import EventStore
from tests.shown.given import HOUR, START, a_list, did

PLAN = {"name": "try", "arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]}
NOW = START + timedelta(days=3)
TOMORROW = date(2026, 1, 5)


def started(database: sa.Engine, **told: object) -> Experiment:
    experiment = Experiments(database).start(Plan.model_validate({**PLAN, "allocation": "thompson", **told}))
    return experiment.model_copy(update={"started_at": START - HOUR})


def shown_on_the_first_day(database: sa.Engine, hits: dict[str, int], n: int = 100) -> None:
    """Show a list to so many users of each arm, some of whom like an item of it."""
    lists, seen, events = [], [], []
    for arm, n_hits in hits.items():
        for user in (f"{arm}{number}" for number in range(n)):
            lists.append(a_list(user, ["i"], user, arms=f'{{"try":"{arm}"}}', made_at=START + HOUR))
            seen.append(Impression(user, user, user, START + HOUR))
        events += [did("i", 2, "like", user_id=f"{arm}{number}") for number in range(n_hits)]
    ListStore(database).append(lists)
    ImpressionStore(database).append(seen)
    EventStore(database).append(events)


def test_days_are_counted_by_arm_without_gaps() -> None:
    days = [date(2026, 1, 1), date(2026, 1, 3), date(2026, 1, 3), date(2026, 1, 3), date(2026, 1, 4)]
    frame = pl.DataFrame(
        {
            "day": days,
            "arm": ["a", "b", "b", "gone", "a"],
            "settled": [True, True, True, True, False],
            "converted": [True, True, False, True, True],
        }
    )
    trials, hits = daily_counts(frame, ["a", "b"])
    assert trials.tolist() == [[1, 0], [0, 0], [0, 2]]
    assert hits.tolist() == [[1, 0], [0, 0], [0, 1]]
    assert [each.shape for each in daily_counts(frame.clear(), ["a", "b"])] == [(0, 2), (0, 2)]


def test_tomorrow_s_shares_follow_the_results(database: sa.Engine) -> None:
    experiment, allocations = started(database, floor=0.1), Allocations(database)
    shown_on_the_first_day(database, {"a": 2, "b": 40})
    found = allocations.set_next(experiment, NOW)
    assert found.day == TOMORROW
    assert found.shares == pytest.approx((0.1, 0.9), abs=1e-3)
    assert (found.rewards.trials.tolist(), found.rewards.hits.tolist()) == ([100, 100], [2, 40])
    kept = allocations.of(experiment)[found.day]
    assert kept.shares == found.shares
    assert kept.rewards.hits.tolist() == [2, 40]


def test_shares_that_are_set_again_take_the_place_of_those_before(database: sa.Engine) -> None:
    experiment, allocations = started(database), Allocations(database)
    assert allocations.set_next(experiment, NOW).shares == pytest.approx((0.5, 0.5))
    shown_on_the_first_day(database, {"a": 60, "b": 1})
    again = allocations.set_next(experiment, NOW)
    assert [each.shares for each in allocations.of(experiment).values()] == [again.shares]


def test_arms_are_drawn_anew_each_day_by_the_newest_shares(database: sa.Engine) -> None:
    experiment, allocations = started(database, floor=0.2), Allocations(database)
    shown_on_the_first_day(database, {"a": 60, "b": 1})
    day = allocations.set_next(experiment, NOW).day
    before, first, later = (allocations.on_day(experiment, day + timedelta(days=n)) for n in (-1, 0, 5))
    assert before.shares == (0.5, 0.5)
    assert first.shares == later.shares == pytest.approx((0.8, 0.2), abs=1e-3)
    assert len({experiment.salt, before.salt, first.salt, later.salt}) == 4
    assert [arm.name for arm in first.arms] == ["a", "b"]
    drawn = [[assign_arm(each.salt, str(user), each.shares) for user in range(4_000)] for each in (first, later)]
    assert Counter(drawn[0])[0] / 4_000 == pytest.approx(0.8, abs=0.03)
    same = sum(one == two for one, two in zip(*drawn, strict=True)) / 4_000
    assert same == pytest.approx(0.8**2 + 0.2**2, abs=0.03)


def test_fixed_shares_stay(database: sa.Engine) -> None:
    experiment = started(database, allocation="fixed")
    assert Allocations(database).on_day(experiment, TOMORROW) == experiment


def test_a_plan_keeps_how_its_shares_are_set(database: sa.Engine) -> None:
    started(database, floor=0.2, half_life_days=7)
    kept = Experiments(database).get("try")
    assert (kept.allocation, kept.floor, kept.half_life_days) == ("thompson", 0.2, 7)
    arms = [{"name": name, "share": 1 / 3} for name in "abc"]
    told = {"name": "x", "arms": arms, "allocation": "thompson", "floor": 0.4}
    with pytest.raises(ValidationError, match="a floor of at most 1 / 3"):
        Plan.model_validate(told)
