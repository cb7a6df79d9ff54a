from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.columns import INTERACTIONS, ITEMS
from nightschool.errors import NotFound
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Release, Releases
from serving.list_changes import ListChange, explain_change
from tests.serving.nights import FIRST, ODD, SECOND, THIRD, make_nights

BETWEEN = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Between the second night and the third, user 2 took item 3, and item 4 was withdrawn."""
    lake = make_nights(tmp_path / "home")
    event = {"user_id": 2, "item_id": 3, "event": "complete", "timestamp": BETWEEN, "available_at": BETWEEN}
    append(lake, INTERACTIONS, [{**event, "source_file": "a.csv", "source_row": 1}])
    return lake


def append(lake: Lake, table: Any, rows: list[dict[str, Any]]) -> None:
    lake.append(table, pl.DataFrame(rows, schema=lake.schema(table)))


def explained(lake: Lake, user: str, left: str = SECOND, right: str = THIRD, **recipe: Any) -> ListChange:
    first, second = (Releases(lake).whole(release_id) for release_id in (left, right))
    if recipe:
        second = Release.model_validate({**second.model_dump(), "recipe": recipe})
    return explain_change(lake, first, second, user)


def test_what_was_taken_goes_and_what_is_new_comes_with_its_place(lake: Lake) -> None:
    change = explained(lake, "2")
    assert [(item.item_id, item.left, item.right, item.why) for item in change.items] == [
        (2, 2, 1, ""),
        (1, 1, 2, ""),
        (5, None, 3, "new among the first ten"),
        (3, 3, None, "complete since"),
    ]
    assert change.items[2].title == ODD
    assert change.causes == [
        "New events: 3 (complete).",
        "The same recipe ranks, trained anew on what all learners did in between.",
    ]


def test_without_new_events_and_with_another_recipe_it_says_so(lake: Lake) -> None:
    change = explained(lake, "1", components=[{"model": "ials"}])
    assert change.causes[0] == "The learner did nothing in between."
    assert change.causes[1].startswith("Another recipe ranks")


def test_what_is_no_longer_offered_and_what_others_push_out(lake: Lake) -> None:
    over = {"item_id": 3, "title": "x", "until": BETWEEN, "available_at": datetime(2026, 11, 1, tzinfo=UTC)}
    schema = {**lake.schema(ITEMS), "until": pl.Datetime("us", "UTC")}
    lake.append(ITEMS, pl.DataFrame([over], schema=schema))
    lake.delete(INTERACTIONS, pl.col("user_id") == 2)
    whys = {item.item_id: item.why for item in explained(lake, "2").items}
    assert whys[3] == "no longer offered"
    back = {item.item_id: item.why for item in explained(lake, "2", THIRD, FIRST).items}
    assert back[5] == "others come first now"


@pytest.mark.parametrize(("user", "message"), [("9", "in neither release"), ("abc", "whole numbers")])
def test_who_has_no_list_is_named(lake: Lake, user: str, message: str) -> None:
    with pytest.raises(NotFound, match=message):
        explained(lake, user)
