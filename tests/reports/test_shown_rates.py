from datetime import timedelta

import polars as pl
import pytest

from nightschool.experiments.intervals import wilson
from nightschool.reports.shown_rates import RECENT, rates_of, recent
from tests.reports.frames import START, shown

USERS = pl.DataFrame({"user_id": [*range(20)], "department": ["a" if user < 5 else "b" for user in range(20)]})


def test_rates_are_counts_over_what_was_shown() -> None:
    frame = shown(400)
    rates = rates_of(frame, USERS, ["department"])
    assert [*dict.fromkeys(rate.kind for rate in rates)] == ["all", "place", "scenario", "release", "department"]
    (whole,) = [rate for rate in rates if rate.kind == "all"]
    clicked = frame.filter(pl.any_horizontal(pl.col("viewed_at", "liked_at", "completed_at").is_not_null())).height
    assert (whole.shown, whole.clicked) == (frame.height, wilson(clicked, frame.height))
    for kind in ("place", "scenario", "release"):
        assert sum(rate.shown for rate in rates if rate.kind == kind) == frame.height
    assert [rate.value for rate in rates if rate.kind == "place"] == ["1", "2", "3", "4"]
    assert {rate.value for rate in rates if rate.kind == "scenario"} == {"none", "hero"}
    third = next(rate for rate in rates if (rate.kind, rate.value) == ("place", "3"))
    of_third = frame.filter(pl.col("place") == 3)
    assert third.completed.value == pytest.approx(of_third["completed_at"].count() / of_third.height)


def test_nothing_shown_has_no_rates() -> None:
    assert rates_of(shown(400).clear(), USERS, ["department"]) == []


def test_four_weeks_count_and_nothing_that_was_changed_by_hand() -> None:
    frame = shown(400)
    late = START + RECENT
    assert recent(frame.lazy(), late).height == frame.height
    assert recent(frame.lazy(), late + timedelta(days=100)).is_empty()
    assert recent(frame.with_columns(tuned=pl.lit(True)).lazy(), late).is_empty()
