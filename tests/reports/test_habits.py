import numpy as np
import polars as pl

from nightschool.data.manifest.manifest import load_manifest
from nightschool.data.signals import Signal, signal_of
from nightschool.reports.habits import busiest_days, repeats, scores
from tests.reports.frames import events


def test_who_comes_back_is_counted() -> None:
    plot = repeats(events(n=400, user_id=np.arange(400) // 4, item_id=np.arange(400) // 2).lazy())
    assert plot.sentence == (
        "50.0% [45.1%, 54.9%] of the interactions repeat an earlier one of the same user with the same item."
    )


def test_where_nobody_comes_back_that_is_said() -> None:
    plot = repeats(events(n=400, user_id=np.arange(400), item_id=np.arange(400)).lazy())
    assert plot.sentence == "No interaction repeats an earlier one: each user meets an item once."


def test_who_does_far_more_in_a_day_than_others_may_be_a_bot() -> None:
    bot = events(user_id=np.full(2_000, 99)).with_columns(pl.col("timestamp").max())
    told = busiest_days(pl.concat([events(), bot]).lazy()).sentence
    assert told.startswith("2.0% [")
    assert told.endswith(
        "have a day with more than 50 events, far above others, and made 50.0% of all events: maybe bots."
    )
    assert busiest_days(events().lazy()).sentence == (
        "No user has a day with more than 50 events, far above others: no sign of bots."
    )


def test_what_interactions_are_worth() -> None:
    frame = events(duration_seconds=np.full(2_000, 300.0), liked=np.arange(2_000) % 2 == 0).lazy()
    told = scores(frame, signal_of(load_manifest("learning"))).sentence
    assert told == "An interaction is worth 3.500 ± 0.110 points on average, half 3.50 or less."


def test_scores_that_are_ratings_or_all_the_same_are_not_drawn_again() -> None:
    assert scores(events().lazy(), Signal(mode="rating")) is None
    same = events(duration_seconds=np.full(2_000, 300.0), liked=np.full(2_000, True))
    assert scores(same.lazy(), Signal(mode="engagement")) is None
