"""Changes laid over a release: what is newer counts, and what the release knows leaves no trace."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from nightschool.columns import AVAILABLE_AT, ITEM_ID, ITEMS, USERS
from nightschool.storage.changes import StoredChange
from serving.changed_snapshot import ChangedSnapshot
from serving.overlay import Overlay
from serving.snapshot import Snapshot
from tests.serving.conftest import Served

NEW = 9_001
NOW = datetime(2026, 1, 31, tzinfo=UTC)


def said(*told: tuple[object, Any, dict[str, Any]], at: datetime = NOW) -> list[StoredChange]:
    """Changes of id, action and attributes, a second apart."""
    return [
        StoredChange(place, str(entity), action, attributes, at + timedelta(seconds=place))
        for place, (entity, action, attributes) in enumerate(told, start=1)
    ]


def items(base: Snapshot, *told: tuple[object, Any, dict[str, Any]], at: datetime = NOW) -> Snapshot:
    return Overlay(base).add({ITEMS.name: said(*told, at=at)}, NOW)


def changed_ids(snapshot: Snapshot) -> list[Any]:
    return snapshot.changed[ITEM_ID].to_list() if isinstance(snapshot, ChangedSnapshot) else []


def test_without_changes_a_release_is_as_it_was(served: Served) -> None:
    base = served.snapshot
    assert Overlay(base).add({}, NOW) is base
    assert Overlay(base).add({ITEMS.name: [], USERS.name: []}, NOW) is base


def test_what_the_release_knows_or_has_newer_is_left_out(served: Served) -> None:
    base = served.snapshot
    item_id = base.catalogue.ids[0]
    known = base.newest[ITEMS.name].filter(pl.col(ITEM_ID) == item_id)[AVAILABLE_AT].item()
    for earlier in (timedelta(hours=1), timedelta(seconds=1)):
        assert items(base, (item_id, "patch", {"title": "Old"}), at=known - earlier) is base
    assert changed_ids(items(base, (item_id, "patch", {"title": "New"}), at=known)) == [item_id]


@pytest.mark.parametrize(
    "told",
    [
        [("patch", {"title": "Other"}), ("patch", {"title": None, "text": None})],
        [("withdraw", {}), ("patch", {})],
        [("patch", {"level of a manifest before": 7})],
    ],
)
def test_what_ends_as_it_began_leaves_no_trace(served: Served, told: list[tuple[str, dict[str, Any]]]) -> None:
    base = served.snapshot
    item_id = base.catalogue.ids[0]
    row = base.catalogue.frame.row(0, named=True)
    as_it_is = {name: row[name] for name in ("title", "text")}
    steps = [(action, {**as_it_is, **given} if None in given.values() else given) for action, given in told]
    steps = [(action, {n: as_it_is.get(n) if v is None else v for n, v in given.items()}) for action, given in steps]
    assert items(base, *((item_id, *step) for step in steps)) is base


def test_a_new_item_that_is_withdrawn_again_was_never_available(served: Served) -> None:
    made = items(served.snapshot, (NEW, "put", {"title": "New"}), (NEW, "withdraw", {}))
    place = made.catalogue.position(NEW)
    assert place is not None
    assert not made.available[place]
    assert made.gone == set()
    assert items(served.snapshot, (NEW, "withdraw", {})) is served.snapshot


def test_an_item_ends_at_its_time(served: Served) -> None:
    base = served.snapshot
    item_id, later = base.catalogue.ids[0], NOW + timedelta(days=1)
    overlay = Overlay(base)
    assert overlay.next_end(NOW) is None
    overlay.add({ITEMS.name: said((item_id, "patch", {"until": later.isoformat()}))}, NOW)
    assert (overlay.shown.gone, overlay.next_end(NOW), overlay.next_end(later)) == (set(), later, None)
    assert overlay.add({}, later).gone == {item_id}
    ended = items(base, (item_id, "patch", {"until": NOW.isoformat()}))
    assert ended.gone == {item_id}


def test_change_by_change_is_as_all_at_once(served: Served) -> None:
    base = served.snapshot
    first, second, third = base.catalogue.ids[:3]
    title = base.catalogue.frame["title"][0]
    told = said(
        (first, "patch", {"title": "Other", "text": "Other"}),
        (NEW, "put", {"title": "New", "skills": ["a"]}),
        (second, "withdraw", {}),
        (NEW + 1, "put", {"title": "Newer"}),
        (first, "patch", {"title": title, "text": title}),
        (third, "patch", {"domain": "Bees"}),
        (NEW, "withdraw", {}),
        (second, "patch", {}),
        (third, "withdraw", {}),
        (NEW, "patch", {"difficulty": "Beginner"}),
    )
    overlay = Overlay(base)
    for change in told:
        overlay.add({ITEMS.name: [change]}, NOW)
    at_once = Overlay(base).add({ITEMS.name: told}, NOW)
    by_id = pl.col(ITEM_ID)
    assert overlay.shown.catalogue.frame.sort(by_id).equals(at_once.catalogue.frame.sort(by_id))
    assert overlay.shown.gone == at_once.gone == {third}
    assert overlay.shown.catalogue.frame.head(2).equals(base.catalogue.frame.head(2))
    describe, others = overlay.shown.catalogue.describe, at_once.catalogue.describe
    assert [describe(each) for each in at_once.catalogue.ids] == [others(each) for each in at_once.catalogue.ids]


def test_ids_that_can_be_none_change_nothing(served: Served) -> None:
    assert items(served.snapshot, ("x", "put", {"title": "None"})) is served.snapshot
    told = said(("x", "put", {"department": "None"}))
    assert Overlay(served.snapshot).add({USERS.name: told}, NOW) is served.snapshot


def test_users_change_come_and_leave(served: Served) -> None:
    base = served.snapshot
    first, second = base.users["user_id"].to_list()[:2]
    told = said((first, "patch", {"department": "New"}), (second, "withdraw", {}), (77_777, "put", {"title": "X"}))
    made = Overlay(base).add({USERS.name: told}, NOW)
    assert made.attributes(first) == {**(base.attributes(first) or {}), "department": "New"}
    assert made.attributes(second) is None
    assert made.attributes(77_777) == {"title": "X"}
    assert made.users["user_id"].is_sorted()
    assert made.catalogue is base.catalogue
    assert made.users.height == base.users.height
