"""What histories say of items over time, by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from nightschool.columns import ALWAYS, HISTORIES, INSTANT
from nightschool.storage.serving_files import lists_path, write_serving_files
from serving.item_activity import ENOUGH, WINDOWS, ItemActivity
from tests.serving.conftest import Served

T = datetime(2026, 3, 1, 12, tzinfo=UTC)
Row = tuple[int, float, float | None]
"""An item, a score, and how many days before T; None: without a time."""


def activity(folder: Path, rows: Sequence[Row], available_at: dict[int, datetime | None]) -> ItemActivity:
    """The activity of histories with one row a user."""
    frame = pl.DataFrame(
        {
            "user_id": range(len(rows)),
            "item_id": pl.Series([item for item, _, _ in rows], dtype=pl.Int64),
            "score": pl.Series([score for _, score, _ in rows], dtype=pl.Float32),
            "timestamp": pl.Series(
                [None if days is None else T - timedelta(days=days) for _, _, days in rows], dtype=INSTANT
            ),
        }
    )
    write_serving_files(folder, "r", {HISTORIES.name: frame.lazy()})
    items = pl.DataFrame(
        {"item_id": [*available_at], "available_at": pl.Series([*available_at.values()], dtype=INSTANT)}
    )
    return ItemActivity.of(lists_path(folder, "r", HISTORIES), items, T)


def likes(item: int, *counts: int, days: float = 7) -> list[Row]:
    """As many likes of an item in each window before T, the newest first."""
    return [(item, 1.0, days * window + 0.5) for window, count in enumerate(counts) for _ in range(count)]


def instants(found: ItemActivity) -> list[Any]:
    return found.known_since.astype("datetime64[us]").tolist()


def test_an_item_is_known_since_its_row_or_its_first_use(tmp_path: Path) -> None:
    row, use = T - timedelta(days=30), T - timedelta(days=50)
    rows = [(1, 1.0, 50.0), (1, 1.0, 3.0), (2, 1.0, 3.0), (3, -1.0, 50.0), (5, 1.0, None), (9, 1.0, 99.0)]
    found = activity(tmp_path, rows, {1: row, 2: row, 3: ALWAYS, 4: row, 5: None, 6: ALWAYS})
    known = [use, row, use, row, None, None]
    assert instants(found) == [None if each is None else each.replace(tzinfo=None) for each in known]


def test_a_trend_is_what_exceeds_the_windows_before(tmp_path: Path) -> None:
    rows = [
        *likes(1, 60, 10, 10, 10, 10),
        *likes(2, 60, 70, 50, 60, 60),
        *likes(3, 1, 0, 0, 0, 0),
        *likes(4, 0, 9, 9, 9, 9),
    ]
    rows += [(3, -1.0, 1.0)] * 50 + [(3, 1.0, 7 * 5 + 0.1), (3, 1.0, 400.0), (3, 1.0, -2.0)]
    found = activity(tmp_path, rows, dict.fromkeys((1, 2, 3, 4, 5)))
    assert found.trends is not None
    assert found.trends.days == 7
    assert found.trends.recent.tolist() == [60, 60, 1, 0, 0]
    expected = [50 / 11**0.5, 0.0, 1.0, -9 / 10**0.5, 0.0]
    assert found.trends.scores.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("window", WINDOWS)
def test_sparse_data_have_longer_windows(tmp_path: Path, window: int) -> None:
    """All likes are of the last day of a window, so that the shorter ones have none."""
    rows: list[Row] = [(1, 1.0, window - 0.5)] * ENOUGH + [(2, 1.0, 600.0)]
    found = activity(tmp_path, rows, {1: None, 2: None})
    assert found.trends is not None
    assert (found.trends.days, found.trends.recent.tolist()) == (window, [ENOUGH, 0])


def test_few_likes_are_measured_over_the_longest_window(tmp_path: Path) -> None:
    found = activity(tmp_path, [*likes(1, 3), *likes(2, 0, 4, days=91), (2, 1.0, 900.0)], {1: None, 2: None})
    assert found.trends is not None
    assert found.trends.days == WINDOWS[-1]
    assert found.trends.scores.tolist() == pytest.approx([3.0, -1 / 2**0.5])


def test_data_that_begin_within_the_windows_expect_more_of_fewer(tmp_path: Path) -> None:
    rows = [*likes(1, ENOUGH, 10, 10), (2, 1.0, 7 * 3)]
    found = activity(tmp_path, rows, {1: None, 2: None})
    assert found.trends is not None
    assert found.trends.scores[0] == pytest.approx((ENOUGH - 10) / 11**0.5)


@pytest.mark.parametrize(
    ("rows", "has_times"),
    [
        ([(1, 1.0, None)], False),
        ([(1, 1.0, None), (1, 1.0, None), (1, 1.0, 1.0)], False),
        ([(1, 1.0, 1000.0)], True),
        ([(1, -1.0, 1.0)], True),
        ([], False),
    ],
    ids=["no times", "few times", "long ago", "dislikes", "nothing"],
)
def test_without_times_or_likes_there_are_no_trends(tmp_path: Path, rows: list[Row], has_times: bool) -> None:
    found = activity(tmp_path, rows, {1: None})
    assert (found.trends, found.has_times) == (None, has_times)


def test_a_release_has_the_activity_of_its_histories(served: Served) -> None:
    snapshot = served.snapshot
    rows = snapshot.histories.keys.to_list()
    counted = np.zeros(len(snapshot.catalogue), dtype=np.int64)
    trends = snapshot.activity.trends
    assert trends is not None
    for user in rows:
        columns = snapshot.histories.columns_of(user)
        assert columns is not None
        for item, score, at in zip(columns["item_id"], columns["score"], columns["timestamp"], strict=True):
            age = served.release.as_of - at
            counted[snapshot.catalogue.position(item)] += score > 0 and age < timedelta(days=trends.days)
    assert trends.recent.tolist() == counted.tolist()
    assert len(trends.scores) == len(snapshot.activity.known_since) == len(snapshot.catalogue)
