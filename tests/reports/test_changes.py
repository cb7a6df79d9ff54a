from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import RECOMMENDATIONS
from nightschool.reports.changes import changes_section
from nightschool.storage.lake import Lake

OLD, NEW = "2024-01-01-aaaaaaaa", "2024-01-02-bbbbbbbb"
TITLES = pl.DataFrame({"item_id": [1, 2, 3], "title": ["one", "two", None]})
FIGURES = pl.DataFrame(
    {"segment": ["all", "activity:new"], "value": [0.3, 0.2], "ci_low": [0.2, None], "ci_high": [0.4, None]}
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", pl.Int64(), pl.Int64())


def publish(lake: Lake, release_id: str, *places: tuple[int, int, int]) -> None:
    """Lists of one release: user, item, rank."""
    frame = pl.DataFrame(places, schema=["user_id", "item_id", "rank"], orient="row")
    told = {"release_id": release_id, "score": 1.0, "source": "ease", "reason": "", "because_item_id": None}
    rows = frame.with_columns(pl.lit(value).alias(name) for name, value in told.items())
    schema = lake.schema(RECOMMENDATIONS)
    lake.replace_release(
        RECOMMENDATIONS, release_id, rows.select(pl.col(name).cast(kind) for name, kind in schema.items())
    )


def section(lake: Lake):
    return changes_section(lake, NEW, OLD, TITLES, FIGURES, FIGURES[:1])


def test_lists_items_and_segments_are_compared(lake: Lake) -> None:
    for release_id, places in (
        (OLD, ((1, 1, 1), (1, 2, 2), (2, 1, 1), (2, 2, 2), (2, 9, 11))),
        (NEW, ((1, 1, 1), (1, 3, 2), (2, 1, 1), (2, 2, 2), (3, 1, 1))),
    ):
        publish(lake, release_id, *((user + 10 * n, *place) for n in range(20) for user, *place in places))
    found = section(lake)
    assert found.lead == [
        f"Since release {OLD}, 50% of 40 users have another item among their first 10; "
        "on average 75% of the items stayed."
    ]
    moved, segments = found.tables
    assert moved.rows == [("one", "60", "40"), ("3", "20", "0"), ("two", "20", "40")]
    assert segments.rows == [
        ("all", "0.3000 [0.2000, 0.4000]", "0.3000 [0.2000, 0.4000]"),
        ("activity:new", "0.2000 [–, –]", "–"),
    ]


def test_an_item_in_the_lists_of_few_is_not_named(lake: Lake) -> None:
    publish(lake, OLD, (1, 1, 1), (2, 2, 1))
    publish(lake, NEW, (1, 2, 1), (2, 2, 1))
    assert [table.columns[0] for table in section(lake).tables] == ["segment"]


def test_the_same_lists_have_no_item_that_moved(lake: Lake) -> None:
    for release_id in (OLD, NEW):
        publish(lake, release_id, (1, 1, 1))
    found = section(lake)
    assert "0% of 1 users have another item" in found.lead[0]
    assert len(found.tables) == 1


def test_releases_without_a_user_in_common_are_said(lake: Lake) -> None:
    publish(lake, OLD, (1, 1, 1))
    publish(lake, NEW, (2, 1, 1))
    assert section(lake).lead == [f"No user has a list in both this release and {OLD}."]
