"""Which logged lists can tell about others, and where others have their items."""

from datetime import timedelta

import polars as pl
import pytest

from nightschool.evaluation.off_policy.logs import places_of, read_logs


def rows_of(logs):
    return logs.rows.sort("list_id", "place").select("item_id", "place", "reward", "weight", "explored").rows()


def test_rows_have_a_weight_of_one_over_the_propensity(two_places):
    logs = read_logs(two_places)
    assert rows_of(logs)[:4] == [
        (7, 0, 1, 1.25, False),
        (8, 1, 0, 1.25, False),
        (7, 0, 0, 1.25, False),
        (9, 1, 1, 10, True),
    ]
    assert (logs.depth, logs.lists.height, logs.groups, logs.explored, logs.left_out) == (2, 4, 4, 2, 0)


def test_clipped_weights_are_counted(two_places):
    logs = read_logs(two_places, most_weight=5)
    assert logs.rows["weight"].max() == 5
    assert logs.clipped == 2 / 8


@pytest.mark.parametrize(
    "change",
    [
        {"tuned": pl.lit(value=True)},
        {"scenario": pl.lit("hero")},
        {"user_id": pl.lit(None, pl.String)},
        {"propensity": pl.lit(1.0)},
        {"place": pl.col("place") + 2},
        {"times": pl.lit(0)},
    ],
    ids=["tuned", "of a scenario", "of a session", "without exploration", "a later page", "known from reactions"],
)
def test_lists_that_cannot_tell_are_left_out(two_places, change):
    first = pl.col("list_id") == 0
    changed = two_places.with_columns(
        pl.when(first).then(value).otherwise(pl.col(name)).alias(name) for name, value in change.items()
    )
    logs = read_logs(changed)
    assert logs.lists["list_id"].to_list() == [1, 2, 3]
    assert logs.left_out == 1


def test_shorter_lists_are_left_out_where_four_in_five_reach_further(shown):
    rows = [(n, str(n), item, item, 0.8, 0) for n in range(10) for item in (1, 2, 3)[: 3 if n else 1]]
    logs = read_logs(shown(rows))
    assert (logs.depth, logs.lists.height, logs.left_out) == (3, 9, 1)


def test_completions_are_another_reward(two_places):
    completed = two_places.with_columns(completed_at=pl.when(pl.col("item_id") == 7).then("shown_at"))
    assert read_logs(completed, "completion").rows.filter(pl.col("reward") == 1)["item_id"].unique().to_list() == [7]


def test_nothing_shown_is_no_lists(two_places):
    logs = read_logs(two_places.clear())
    assert (logs.lists.height, logs.groups, logs.explored) == (0, 0, 0)


def test_all_lists_of_a_user_are_in_one_group(two_places):
    one = two_places.with_columns(user_id=pl.when(pl.col("list_id") < 2).then(pl.lit("a")).otherwise("user_id"))
    logs = read_logs(one)
    assert logs.groups == 3
    assert logs.lists.group_by("user_id").agg(pl.col("group").n_unique())["group"].to_list() == [1, 1, 1]
    assert logs.of_users(pl.Series(["a", "c"])).lists["list_id"].to_list() == [0, 1, 2]


def test_items_move_up_where_their_user_has_seen_one_above(two_places, lists_for):
    logs = read_logs(two_places)
    seen = pl.DataFrame(
        {
            "user_id": ["a", "b"],
            "item_id": [9, 9],
            "seen_at": [two_places["shown_at"].min(), two_places["shown_at"].min() + timedelta(minutes=30)],
        }
    )
    found = places_of(logs, lists_for(9, 7, 8), seen).sort("list_id", "target")
    by_list = {key: group["item_id"].to_list() for (key,), group in found.group_by("list_id", maintain_order=True)}
    # Of `a` the item was seen with the list and not before it; `b` had seen it half an hour before.
    assert by_list == {0: [9, 7], 1: [7, 8], 2: [9, 7], 3: [9, 7]}
