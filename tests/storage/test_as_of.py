from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.columns import AVAILABLE_AT, INTERACTIONS, ITEM_ID, ITEMS, TIMESTAMP, TITLE, UNTIL, USERS, WITHDRAWN
from nightschool.data.filters import Rules
from nightschool.errors import DataRefused
from nightschool.night.prepare import event_log
from nightschool.storage.as_of import newest_known, scan_at
from nightschool.storage.fingerprints import content_hash
from nightschool.storage.lake import Lake
from tests.ingest.hostile import MANY
from tests.ingest.logs import NOW, Home
from tests.night.nights import MANIFEST, MONDAY, TUESDAY, make_home, meet

HEADER = "id,gone,user,item,rating,at\n"
PARTS = {
    "interactions": {"event_id": "id", "deleted": "gone"},
    "users": {"files": ["users.csv"], "id": "id", "attributes": ["role"]},
    "items": {"files": ["items.csv"], "id": "id", "title": "title"},
}
TABLES = (USERS, ITEMS, INTERACTIONS)

EVENTS = st.tuples(
    st.sampled_from("abcdef"), st.integers(0, 2), st.integers(1, 3), st.integers(1, 5), st.integers(-9, 9)
)
DAYS = st.lists(
    st.tuples(st.lists(EVENTS, max_size=4), st.lists(st.sampled_from("xy"), min_size=3, max_size=3)),
    min_size=2,
    max_size=4,
)


def as_of(lake: Lake, when: datetime) -> list[str]:
    return [content_hash(scan_at(lake, table, when), table) for table in TABLES]


def write_day(home: Home, number: int, day: tuple, when: datetime) -> None:
    events, words = day
    lines = [
        f"{event},{int(gone == 2)},{user},{user},{rating},{when + timedelta(days=delta):%Y-%m-%d}"
        for event, gone, user, rating, delta in events
    ]
    home.write([f"first{number},0,1,1,3,{when:%Y-%m-%d}", *lines], f"log-{number}.csv", HEADER)
    home.write([f"{user},{word}" for user, word in enumerate(words, 1)], "users.csv", "id,role\n")
    home.write([f"{item},{word}" for item, word in enumerate(words[::-1], 1)], "items.csv", "id,title\n")


@pytest.mark.parametrize("n_examples", [4, MANY])
def test_later_nights_change_nothing_of_what_was_known(n_examples, tmp_path_factory):
    @settings(max_examples=n_examples)
    @given(DAYS)
    def holds(days):
        home = Home(tmp_path_factory.mktemp("home"), **PARTS)
        start = NOW - timedelta(days=30)
        known = {}
        for number, day in enumerate(days):
            when = start + timedelta(days=3 * number)
            write_day(home, number, day, when)
            home.ingest(first_seen=when)
            known[when] = as_of(home.lake, when)
        assert {when: as_of(home.lake, when) for when in known} == known

    holds()


@settings(max_examples=25)
@given(DAYS, st.integers(-5, 20))
def test_a_log_of_the_past_shows_at_t_what_happened_until_then(tmp_path_factory, days, at):
    home = Home(tmp_path_factory.mktemp("home"), history=True, interactions={})
    start = NOW - timedelta(days=30)
    times = [
        start + timedelta(days=number, hours=delta) for number, (events, _) in enumerate(days) for *_, delta in events
    ]
    lines = [f"1,{place},3,{time.isoformat()}" for place, time in enumerate(times, 1)]
    home.write([*lines, "1,99,3,"])
    home.ingest()
    instant = start + timedelta(days=at)
    seen = scan_at(home.lake, INTERACTIONS, instant).collect()
    expected = {place for place, time in enumerate(times, 1) if time <= instant} | {99}
    assert set(seen[ITEM_ID]) == expected
    log = event_log(home.lake, home.manifest, instant, Rules())
    assert set(log.empty.item_ids) == expected
    assert (log.events[TIMESTAMP].max() or instant) <= instant


def test_tables_are_seen_as_they_were_known(tmp_path):
    opened = make_home(tmp_path)
    renamed = {ITEM_ID: 7, TITLE: "new", "text": "", AVAILABLE_AT: TUESDAY}
    opened.lake.append(ITEMS, pl.DataFrame([renamed], schema=opened.lake.schema(ITEMS)))
    meet(opened, TUESDAY, row=2)
    monday, tuesday = (scan_at(opened.lake, ITEMS, day).collect() for day in (MONDAY, TUESDAY))
    assert dict(monday.select(ITEM_ID, TITLE).iter_rows()) == {7: "x", 8: "y"}
    assert dict(tuesday.select(ITEM_ID, TITLE).iter_rows()) == {7: "new", 8: "y"}
    assert [scan_at(opened.lake, INTERACTIONS, day).collect().height for day in (MONDAY, TUESDAY)] == [1, 2]


def test_a_renamed_item_stays_available_since_it_was_first_there(tmp_path):
    opened = make_home(tmp_path)
    before = scan_at(opened.lake, ITEMS, MONDAY).collect()
    renamed = {ITEM_ID: 7, TITLE: "new", "text": "", AVAILABLE_AT: TUESDAY}
    opened.lake.append(ITEMS, pl.DataFrame([renamed], schema=opened.lake.schema(ITEMS)))
    after = scan_at(opened.lake, ITEMS, TUESDAY).collect()
    assert after.sort(ITEM_ID)[AVAILABLE_AT].to_list() == before.sort(ITEM_ID)[AVAILABLE_AT].to_list()


@dataclass(frozen=True)
class Change:
    """A row of the items table: known from a day on, with a day of the end or none; or a withdrawal."""

    item: int
    day: int
    end: int | None
    withdrawn: bool


CHANGES = st.lists(
    st.builds(Change, st.integers(1, 3), st.integers(0, 6), st.none() | st.integers(0, 8), st.booleans()),
    max_size=10,
    unique_by=lambda change: (change.item, change.day),
)


def replay(changes, now):
    """The items that can be had on a day: one change after the other."""
    there = {}
    for change in sorted(changes, key=lambda change: change.day):
        if change.day <= now:
            there[change.item] = not change.withdrawn and (change.end is None or now < change.end)
    return {item for item, is_there in there.items() if is_there}


@settings(max_examples=15)
@given(CHANGES)
def test_the_catalogue_of_every_t_is_what_a_replay_of_the_changes_leaves(tmp_path_factory, changes):
    opened = make_home(tmp_path_factory.mktemp("home"))
    schema = {**opened.lake.schema(ITEMS), **ITEMS.optional}
    days = [MONDAY + timedelta(days=number) for number in range(9)]
    rows = [
        {
            ITEM_ID: change.item,
            TITLE: None if change.withdrawn else "x",
            AVAILABLE_AT: days[change.day],
            UNTIL: None if change.end is None or change.withdrawn else days[change.end],
            WITHDRAWN: change.withdrawn or None,
        }
        for change in changes
    ]
    opened.lake.append(ITEMS, pl.DataFrame(rows, schema=schema))
    for number, day in enumerate(days):
        log = event_log(opened.lake, MANIFEST.model_copy(update={"users": None}), day, Rules())
        ids = log.empty.item_ids
        # Items 7 and 8 were there before and stay.
        assert set(ids.filter(pl.Series(log.available(None)))) == {7, 8} | replay(changes, number)
        known = log.empty.items.filter(pl.Series(log.available(None)))
        assert known[TITLE].null_count() == 0


def test_where_nothing_has_passed_nothing_is_known(tmp_path):
    lake = make_home(tmp_path).lake
    assert newest_known(lake) == MONDAY
    empty = Lake(tmp_path / "empty", pl.Int64(), pl.Int64())
    with pytest.raises(DataRefused, match="nothing was known yet"):
        newest_known(empty)
    assert MONDAY.tzinfo is UTC
