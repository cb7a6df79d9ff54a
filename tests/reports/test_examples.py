from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nightschool.columns import RECOMMENDATIONS, SIMILAR_ITEMS, Table
from nightschool.reports.examples import learners_section, named_items, similar_items_section
from nightschool.storage.lake import Lake

RELEASE = "2024-01-01-aaaaaaaa"
FIRST = 731_900
"""The first user's id, which no count looks like."""
TITLES = pl.DataFrame({"item_id": [1, 2, 3, 4], "title": ["one", "two", None, "seldom"]})
MET = [(FIRST + user, item) for user in range(40) for item in ((1, 2, 3) if user < 30 else (1, 2))]
EVENTS = pl.LazyFrame([*MET, (FIRST, 4)], schema=["user_id", "item_id"], orient="row").with_columns(
    timestamp=pl.lit(0) - pl.col("item_id")
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", pl.Int64(), pl.Int64())


def publish(lake: Lake, table: Table, rows: pl.DataFrame, **told: object) -> None:
    full = rows.with_columns(pl.lit(value).alias(name) for name, value in {"release_id": RELEASE, **told}.items())
    schema = lake.schema(table)
    lake.replace_release(table, RELEASE, full.select(pl.col(name).cast(kind) for name, kind in schema.items()))


def test_items_of_few_users_have_no_name() -> None:
    assert named_items(EVENTS, TITLES) == {1: "one", 2: "two", 3: "3"}


def test_popular_items_are_shown_with_the_nearest_that_many_share(lake: Lake) -> None:
    near = pl.DataFrame(
        [(1, 4, 1), (1, 3, 2), (1, 2, 3), (2, 4, 1)], schema=["item_id", "neighbor_id", "rank"], orient="row"
    )
    publish(lake, SIMILAR_ITEMS, near, score=0.5)
    (table,) = similar_items_section(lake, RELEASE, named_items(EVENTS, TITLES)).tables
    assert table.rows == [("one", "3, two")]


def test_without_similar_items_that_is_said(lake: Lake) -> None:
    section = similar_items_section(lake, RELEASE, {})
    assert section.lead == ["The release holds no similar items that many users share."]


def test_learners_have_no_ids_and_histories_name_what_many_share(lake: Lake) -> None:
    users = pl.DataFrame({"user_id": FIRST + np.arange(40), "because_item_id": [4] + [1] * 19 + [None] * 20})
    publish(lake, RECOMMENDATIONS, users, item_id=4, rank=1, score=1.0, source="ease", reason="because_of_item")
    section = learners_section(lake, RELEASE, EVENTS, TITLES, named_items(EVENTS, TITLES))
    assert section.private
    assert section.lead[0].endswith("Of all first ten places 50% follow from an item of the history.")
    assert len(section.tables) == 10
    assert section.tables[0].caption == "Learner 1, new, who met one, two"
    assert section.tables[0].rows == [("seldom", "popular with everyone")]
    assert str(FIRST)[:4] not in str(section)
    alone = EVENTS.filter(pl.col("user_id") == FIRST)
    (table,) = learners_section(lake, RELEASE, alone, TITLES, named_items(EVENTS, TITLES)).tables
    assert table.caption == "Learner 1, new, who met one, two, 3, more of their own"
    assert table.rows == [("seldom", "because of an item of few users")]


def test_where_nobody_has_a_list_that_is_said(lake: Lake) -> None:
    assert learners_section(lake, RELEASE, EVENTS, TITLES, {}).lead == ["Nobody has a list."]
