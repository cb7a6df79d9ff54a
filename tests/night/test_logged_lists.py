"""Which logged lists a night's recipes may be held against."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from nightschool.evaluation.off_policy.estimate import compare_lists, estimate
from nightschool.night.logged_lists import LoggedLists, logged_rows
from nightschool.night.recipe_gates import OFF_POLICY

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
USERS = 100


@pytest.fixture
def shown():
    """A list of items 1 and 2 for each of 100 users a day after the test began; chance shows item 3 second to half."""
    explored = np.arange(USERS) % 2 == 1
    at = BEGIN + timedelta(days=1)
    items = np.stack([np.ones(USERS, int), np.where(explored, 3, 2)], axis=1)
    return pl.DataFrame(
        {
            "list_id": np.repeat(np.arange(USERS), 2),
            "user_id": np.repeat(np.arange(USERS), 2),
            "item_id": items.ravel(),
            "place": np.tile([1, 2], USERS),
            "propensity": np.stack([np.full(USERS, 0.6), np.where(explored, 0.4, 0.6)], axis=1).ravel(),
        }
    ).with_columns(
        scenario=pl.lit(""),
        tuned=pl.lit(value=False),
        times=pl.lit(1),
        shown_at=pl.lit(at),
        viewed_at=pl.when(pl.col("item_id") == 1).then(pl.lit(at)),
        liked_at=pl.lit(None, pl.Datetime("us", "UTC")),
        completed_at=pl.lit(None, pl.Datetime("us", "UTC")),
    )


def find(shown, split, events=None, test_from=BEGIN):
    events = split.fitted.interactions if events is None else events
    return LoggedLists.find(shown.lazy(), events, split, test_from, megabytes=1)


def test_lists_of_recipes_are_held_against_those_shown_since_the_test_began(shown, split, fixed):
    logged = find(shown, split)
    assert logged.users.tolist() == list(range(USERS))
    first = logged.of(fixed([9, 8, 7, 1]))
    # Item 0 was seen before the test, so that item 1 is first, and clicked by everybody.
    assert estimate(first["click"], "snips").value == pytest.approx(1)
    assert estimate(logged.of(fixed([9, 1, 7, 8]))["click"], "snips").value == pytest.approx(0)


def test_clicks_and_completions_and_the_examination_are_rows_of_the_metrics(shown, split, fixed):
    logged = find(shown, split)
    rows = logged_rows(logged.of(fixed([9, 8, 7, 1])), "champion")
    assert rows["metric"].to_list() == ["clicks_per_list", "completions_per_list"]
    assert rows.select("model", "split", "n_users").unique().rows() == [("champion", "shown", USERS)]
    assert rows["value"].to_list() == [pytest.approx(1, abs=0.1), 0]
    assert logged.examination_rows()["segment"].to_list() == ["place:01", "place:02"]


def test_an_item_that_was_taken_before_a_list_leaves_the_lists_held_against_it(shown, split, fixed):
    taken = pl.DataFrame({"user_index": range(USERS), "item_index": 2, "timestamp": BEGIN + timedelta(hours=1)})
    events = taken.cast({"user_index": pl.Int32, "item_index": pl.Int32, "timestamp": pl.Datetime("us", "UTC")})
    logged = find(shown, split, events)
    # Ranked 2, 1, 3; with 2 gone, item 1 is first.
    assert estimate(logged.of(fixed([9, 7, 8, 1]))["click"], "snips").value == pytest.approx(1)
    assert estimate(find(shown, split).of(fixed([9, 7, 8, 1]))["click"], "snips").value == pytest.approx(0)


@pytest.mark.parametrize(
    "change",
    [
        {"propensity": 1.0},
        {"shown_at": BEGIN - timedelta(days=1)},
        {"user_id": 999_999},
    ],
    ids=["not explored", "shown before the test", "of unknown users"],
)
def test_without_a_list_that_can_tell_there_is_nothing(shown, split, change):
    assert find(shown.with_columns(pl.lit(value).alias(name) for name, value in change.items()), split) is None


def test_a_split_without_a_common_instant_and_a_home_without_lists_have_nothing(shown, split):
    assert find(shown, split, test_from=None) is None
    assert find(shown.clear(), split) is None


def test_a_single_list_breaks_nothing_and_shows_nothing(shown, split, fixed):
    logged = find(shown.filter(pl.col("list_id") == 1), split)
    lists = logged.of(fixed([9, 8, 7, 1]))["click"]
    other = logged.of(fixed([9, 1, 7, 8]))["click"]
    assert OFF_POLICY.ask(compare_lists(lists, other)).passed
    assert logged.examination_rows()["ci_low"].null_count() == 2


def test_of_very_many_lists_those_of_some_users_are_taken(shown, split, monkeypatch):
    monkeypatch.setattr("nightschool.night.logged_lists._MOST_LISTS", 40)
    logged = find(shown, split)
    assert len(logged.users) == logged.logs.lists.height == 40
    assert logged.users.tolist() == sorted(logged.users)
