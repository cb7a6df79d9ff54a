import re
from pathlib import Path
from typing import Any

import pytest

from expectations.docs import write_docs
from nightschool.columns import INTERACTIONS, ITEMS, USERS
from tests.expectations.suites import MONDAY, report_on
from tests.expectations.test_interactions import BAD_ROWS
from tests.expectations.test_items import BROKEN
from tests.expectations.test_users import GOOD

PERSON = "person-4711"


@pytest.fixture
def pages(tmp_path: Path) -> Any:
    reports = [
        report_on(USERS, {**GOOD, "user_id": [PERSON] * 3}),
        report_on(ITEMS, BROKEN["some_wrong_encoding"]),
        report_on(INTERACTIONS, {**BAD_ROWS["epoch_zero"], "user_id": [PERSON, PERSON, "\x00" + PERSON]}),
    ]
    start = write_docs(tmp_path / "docs", reports, MONDAY)
    assert start == tmp_path / "docs" / "index.html"
    return {path.stem: path.read_text() for path in start.parent.iterdir()}


def test_a_page_a_table_and_a_start_page_that_tells_what_is_broken(pages: Any) -> None:
    assert pages.keys() == {"index", "users", "items", "interactions"}
    assert "some_wrong_encoding: 2 of 10 items" in pages["index"]
    assert "epoch_zero: 1 of 3 rows" in pages["index"]
    assert re.findall(r"<td>(accepted|refused)</td>", pages["index"]) == ["refused", "accepted", "refused"]
    assert "values must be greater than or equal to" in pages["interactions"]
    assert "epoch_zero: 1 of 3 rows" in pages["interactions"]


def test_pages_hold_no_value_of_a_row(pages: Any) -> None:
    assert not [name for name, text in pages.items() if PERSON in text or "Caf" in text]


def test_pages_fetch_nothing_and_run_nothing(pages: Any) -> None:
    for text in pages.values():
        assert not re.search(r"<script|<link|<img|<iframe|src=|url\(", text)


def test_next_reports_take_the_place_of_the_last(tmp_path: Path) -> None:
    for values in (BROKEN["duplicate_id"], BROKEN["missing_item"]):
        write_docs(tmp_path, [report_on(ITEMS, values)], MONDAY)
    assert "duplicate_id: 0 of 3 rows" in (tmp_path / "items.html").read_text()
    assert "duplicate_id" not in (tmp_path / "index.html").read_text()
