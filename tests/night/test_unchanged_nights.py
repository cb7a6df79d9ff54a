"""Nights in which nothing but T differs from the current release."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.columns import AVAILABLE_AT, ERASED_AT, ERASURES, ITEM_ID, ITEMS, TITLE, UNTIL, USER_ID, USERS
from nightschool.errors import GateRefused
from nightschool.night.config import NightConfig
from nightschool.night.night import Night, Unchanged, resolve_night
from nightschool.storage.home import Home
from nightschool.storage.releases import Releases
from tests.night.nights import (
    CONFIG,
    MANIFEST,
    MONDAY,
    REQUEST,
    TUESDAY,
    finish,
    left_over,
    make_home,
    meet,
    start,
    statuses,
)

THURSDAY = MONDAY + timedelta(days=3)


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    """A home whose night of Monday is published."""
    home = make_home(tmp_path / "home")
    finish(start(home))
    return home


def open_at(home: Home, as_of: datetime, config: NightConfig = CONFIG, **asked: Any) -> object:
    return resolve_night(home, MANIFEST, config, replace(REQUEST, as_of=as_of, **asked))


def append_item(home: Home, available_at: datetime, until: datetime | None) -> None:
    item = {ITEM_ID: 9, TITLE: "z", "text": "", AVAILABLE_AT: available_at, UNTIL: until}
    home.lake.append(ITEMS, pl.DataFrame([item], schema={**home.lake.schema(ITEMS), UNTIL: pl.Datetime("us", "UTC")}))


def erase(home: Home, at: datetime) -> None:
    note = {"user_hash": "x", ERASED_AT: at, "content_hashes": "{}", "row_counts": "{}"}
    home.lake.append(ERASURES, pl.DataFrame([note], schema=home.lake.schema(ERASURES)))


def test_a_night_that_would_publish_the_same_leaves_the_current_release(opened: Home) -> None:
    current = opened.releases.current()
    for as_of in (TUESDAY, THURSDAY):
        assert open_at(opened, as_of) == Unchanged(current, as_of)
    assert statuses(opened) == ["published"]
    assert left_over(opened) == []


def test_a_row_that_was_taken_in_earlier_and_becomes_known_is_a_change(opened: Home) -> None:
    meet(opened, THURSDAY, row=2)
    assert isinstance(open_at(opened, THURSDAY - timedelta(seconds=1)), Unchanged)
    night = open_at(opened, THURSDAY)
    assert isinstance(night, Night)
    finish(night)
    assert isinstance(open_at(opened, THURSDAY + timedelta(days=1)), Unchanged)


def test_a_user_who_becomes_known_is_a_change(opened: Home) -> None:
    user = {USER_ID: 3, AVAILABLE_AT: THURSDAY}
    opened.lake.append(USERS, pl.DataFrame([user], schema=opened.lake.schema(USERS)))
    assert isinstance(open_at(opened, TUESDAY), Unchanged)
    assert isinstance(open_at(opened, THURSDAY), Night)


CHANGES: dict[str, Callable[[Home], object]] = {
    "code": lambda home: open_at(home, TUESDAY, code="other"),
    "environment": lambda home: open_at(home, TUESDAY, environment="other"),
    "configuration": lambda home: open_at(home, TUESDAY, NightConfig(k=49)),
    "tune=now": lambda home: open_at(home, TUESDAY, NightConfig(tune="now")),
    "force": lambda home: open_at(home, TUESDAY, force=True),
    "a week": lambda home: open_at(home, MONDAY + timedelta(days=7)),
    "data": lambda home: (meet(home, MONDAY, row=2), open_at(home, TUESDAY))[1],
    "an earlier T": lambda home: (meet(home, MONDAY - timedelta(2), row=2), open_at(home, MONDAY - timedelta(1)))[1],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_else_differs_runs_the_night(opened: Home, change: Callable[[Home], object]) -> None:
    assert isinstance(change(opened), Night)


def test_an_item_that_ends_runs_the_night_once(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    append_item(home, MONDAY - timedelta(days=2), until=TUESDAY)
    finish(start(home))
    assert isinstance(open_at(home, TUESDAY - timedelta(seconds=1)), Unchanged)
    night = open_at(home, TUESDAY)
    assert isinstance(night, Night)
    finish(night)
    assert isinstance(open_at(home, THURSDAY), Unchanged)


def test_an_item_that_begins_runs_the_night(opened: Home) -> None:
    append_item(opened, TUESDAY, until=None)
    assert isinstance(open_at(opened, TUESDAY - timedelta(seconds=1)), Unchanged)
    assert isinstance(open_at(opened, TUESDAY), Night)


@pytest.mark.parametrize(("since", "kind"), [(timedelta(seconds=1), Night), (timedelta(0), Unchanged)])
def test_an_erasure_since_the_release_was_published_runs_the_night(
    opened: Home, since: timedelta, kind: type[object]
) -> None:
    current = opened.releases.current()
    assert current is not None
    erase(opened, current.created_at + since)
    assert isinstance(open_at(opened, TUESDAY), kind)


def test_nothing_has_changed_since_a_forced_repeat_either(opened: Home) -> None:
    finish(start(opened, replace(REQUEST, force=True)))
    forced = opened.releases.current()
    assert statuses(opened) == ["published"] * 2
    assert open_at(opened, TUESDAY) == Unchanged(forced, TUESDAY)


def test_after_a_rollback_nothing_has_changed_since_the_older_release_only_if_its_data_are_the_same(
    opened: Home,
) -> None:
    monday = opened.releases.current()
    meet(opened, TUESDAY, row=2)
    finish(start(opened))
    assert monday is not None
    Releases(opened.lake, clock=lambda: MONDAY).rollback(monday.release_id, "odd")
    assert isinstance(open_at(opened, THURSDAY), Night)


def test_a_hold_refuses_an_unchanged_night(opened: Home) -> None:
    opened.releases.hold("looking into it")
    with pytest.raises(GateRefused, match="on hold"):
        open_at(opened, TUESDAY)


def test_an_interrupted_night_goes_on_although_it_is_asked_whether_anything_changed(opened: Home) -> None:
    meet(opened, TUESDAY, row=2)
    night = start(opened)
    night.records.put("prepare", {})
    again = start(opened)
    assert again.identity == night.identity
    assert again.records.get("prepare") == {}


def test_t_is_the_newest_row_that_has_passed_when_nobody_names_it(opened: Home) -> None:
    assert resolve_night(opened, MANIFEST, CONFIG, REQUEST) == opened.releases.current()
    assert isinstance(open_at(opened, datetime.now(UTC)), Night)
