from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nightschool.contract import Dataset
from nightschool.evaluation.segments import MIN_AUDIENCE
from nightschool.night.release.audiences import measure_audiences


def crowd(roles: list[str | None], liked: list[tuple[int, int]], scores: list[float] | None = None) -> Dataset:
    """Three items, the last of which is not available, and a user a role."""
    pairs = pl.DataFrame(liked, schema={"user_index": pl.Int32, "item_index": pl.Int32}, orient="row")
    return Dataset(
        user_ids=pl.Series(range(len(roles))),
        item_ids=pl.Series([30, 20, 10]),
        interactions=pairs.with_columns(
            score=pl.Series(scores or [1.0] * len(liked), dtype=pl.Float32),
            timestamp=pl.lit(None, pl.Datetime("us", "UTC")),
        ).sort("user_index", "item_index"),
        users=pl.DataFrame({"user_id": range(len(roles)), "role": roles}, schema_overrides={"role": pl.String}),
        items=pl.DataFrame({"item_id": [30, 20, 10]}),
        available=np.array([True, True, False]),
        audience="role",
    )


@pytest.fixture
def students() -> Dataset:
    """50 students who like item 1, 60 staff who like items 0 and 2, one guest who likes all, one of no role."""
    n = MIN_AUDIENCE
    roles = ["student"] * n + ["staff"] * (n + 10) + ["guest", None]
    liked = [(user, 1) for user in range(n)]
    liked += [(user, item) for user in range(n, 2 * n + 10) for item in (0, 2)]
    return crowd(roles, [*liked, *((2 * n + 10, item) for item in range(3))])


def test_audiences_are_values_that_enough_users_have_after_everyone(students: Dataset) -> None:
    audiences = measure_audiences(students)
    assert audiences.names == ("everyone", "staff", "student")
    rows = audiences.of_user
    assert (set(rows[:50]), set(rows[50:110]), set(rows[110:])) == ({2}, {1}, {0})


def test_scores_count_the_users_who_like_an_item(students: Dataset) -> None:
    audiences = measure_audiences(students)
    assert audiences.scores[0].tolist() == [61, 51, 61]
    assert np.floor(audiences.scores[1:]).tolist() == [[60, 0, 60], [0, 50, 0]]


def test_each_list_holds_what_is_available_most_popular_first(students: Dataset) -> None:
    lists = measure_audiences(students).lists(students, k=5)
    found = {name: rows["item_id"].to_list() for (name,), rows in lists.group_by("audience", maintain_order=True)}
    assert found == {"everyone": [30, 20], "staff": [30, 20], "student": [20, 30]}
    assert lists["rank"].to_list() == [1, 2] * 3
    assert lists.schema["rank"] == pl.Int32
    assert measure_audiences(students).lists(students, k=1).height == 3


def test_only_what_is_liked_counts(students: Dataset) -> None:
    disliked = crowd(["x", "x"], [(0, 0), (0, 1), (1, 0)], scores=[-5.0, 2.0, 0.0])
    assert measure_audiences(disliked).scores.tolist() == [[0, 1, 0]]


def test_without_an_audience_there_is_everyone(students: Dataset) -> None:
    audiences = measure_audiences(replace(students, audience=None))
    assert audiences.names == ("everyone",)
    assert set(audiences.of_user) == {0}


def test_role_called_everyone_is_no_second_everyone() -> None:
    audiences = measure_audiences(crowd(["everyone"] * MIN_AUDIENCE, [(0, 0)]))
    assert audiences.names == ("everyone",)
    assert set(audiences.of_user) == {0}
