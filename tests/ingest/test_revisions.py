from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.columns import (
    AVAILABLE_AT,
    EVENT_ID,
    INTERACTIONS,
    RATING,
    REVISION,
    TIMESTAMP,
)
from nightschool.storage.as_of import scan_at
from tests.ingest.hostile import MANY
from tests.ingest.logs import NOW, Home

HEADER = "id,gone,user,item,rating,at\n"
LATER = NOW + timedelta(days=1)
PARTS = {"event_id": "id", "deleted": "gone"}


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path, interactions=PARTS)


def row(event: str, rating: int = 4, gone: str = "no", at: str = "2025-01-01") -> str:
    return f"{event},{gone},1,7,{rating},{at}"


def known(home: Home, at: datetime = LATER) -> dict[str, float]:
    rows = scan_at(home.lake, INTERACTIONS, at).collect()
    assert rows[EVENT_ID].is_unique().all()
    return dict(rows.select(EVENT_ID, RATING).sort(EVENT_ID).iter_rows())


def test_corrected_row_replaces_and_the_old_one_stays_as_history(home):
    home.write([row("a", 4), row("b", 3)], header=HEADER)
    home.ingest()
    home.write([row("a", 5), row("b", 3)], "log-2.csv", HEADER)
    again = home.ingest(first_seen=LATER).interactions
    assert (again.already_known, again.accepted, again.reasons) == (2 + 1, 1, {})
    assert (known(home, NOW), known(home)) == ({"a": 4, "b": 3}, {"a": 5, "b": 3})
    stored = home.rows().select(EVENT_ID, RATING, REVISION).sort(EVENT_ID, REVISION)
    assert stored.rows() == [("a", 4, 0), ("a", 5, 1), ("b", 3, 0)]


def test_file_that_is_put_back_as_it_was_counts_again(home):
    for rating in (4, 5, 4):
        home.write([row("a", rating)], header=HEADER)
        assert home.ingest().interactions.accepted == 1
    assert known(home) == {"a": 4}
    home.write([row("a", 5)], "copy-of-an-old-day.csv", HEADER)
    assert home.ingest().interactions.accepted == 0
    assert known(home) == {"a": 4}


def named(numbers: range, user: int, item: int) -> list[str]:
    return [f"{number},no,{user + number},{item},4,2025-01-01" for number in numbers]


def test_id_of_another_pair_is_no_correction(home):
    home.write(named(range(600), user=1, item=7), header=HEADER)
    home.ingest()
    home.write([*named(range(590), user=1, item=7), *named(range(590, 595), user=1, item=8)], "log-2.csv", HEADER)
    again = home.ingest().interactions
    assert (again.already_known, again.accepted, again.reasons) == (600 + 590, 0, {"reused_event_id": 5})
    assert home.rows()["item_id"].unique().to_list() == [7]


def test_ids_that_restart_in_each_file_refuse_the_file_and_the_others_come_in(home):
    home.write(named(range(20), user=1, item=7), header=HEADER)
    home.ingest()
    home.write(named(range(20), user=100, item=8), "log-2.csv", HEADER)
    home.write(named(range(50, 60), user=1, item=9), "log-3.csv", HEADER)
    again = home.ingest().interactions
    assert (again.accepted, again.set_aside) == (10, 20)
    (aside,) = [fate for fate in home.files if fate.fate == "set_aside"]
    assert "20 of 20 repeated ids name another user or item" in aside.detail
    assert 'event_id_scope = "file"' in aside.detail
    assert home.rows()["item_id"].value_counts().sort("item_id").rows() == [(7, 20), (9, 10)]


def test_ids_that_are_unique_within_their_file_alone_are_told_apart(tmp_path):
    home = Home(tmp_path, interactions={**PARTS, "event_id_scope": "file"})
    home.write(named(range(20), user=1, item=7), header=HEADER)
    home.write(named(range(20), user=100, item=8), "log-2.csv", HEADER)
    assert home.ingest().interactions.accepted == 40
    home.write(["0,no,1,7,5,2025-01-01", *named(range(1, 20), user=1, item=7)], header=HEADER)
    again = home.ingest(first_seen=LATER).interactions
    assert (again.already_known, again.accepted) == (20 + 19, 1)
    assert scan_at(home.lake, INTERACTIONS, LATER).collect().height == 40


def test_day_whose_ids_are_its_own_is_set_aside_when_it_comes_changed_under_another_name(tmp_path):
    home = Home(tmp_path, interactions={**PARTS, "event_id_scope": "file"})
    day = [f"{number},no,{number},7,4,2025-01-01" for number in range(20)]
    home.write(day, header=HEADER)
    home.ingest()
    home.write(["0,no,0,7,5,2025-01-01", *day[1:]], "log-2.csv", HEADER)
    home.write([f"{number},no,{number},8,4,2025-01-02" for number in range(20)], "log-3.csv", HEADER)
    again = home.ingest(first_seen=LATER).interactions
    assert (again.accepted, again.set_aside) == (20, 20)
    (aside,) = [fate for fate in home.files if fate.fate == "set_aside"]
    assert (aside.file, "1 of its 20 rows have another content now" in aside.detail) == ("log-2.csv", True)
    home.write([*reversed(day)], "log-4.csv", HEADER)
    assert home.ingest(first_seen=LATER).interactions.accepted == 0


def test_event_taken_back_is_gone_from_then_on(home):
    home.write([row("a"), row("b")], header=HEADER)
    home.ingest()
    home.write([row("a", gone="yes")], "log-2.csv", HEADER)
    home.ingest(first_seen=LATER)
    assert (set(known(home, NOW)), set(known(home))) == ({"a", "b"}, {"b"})


def test_event_taken_back_twice_is_a_repeat_and_may_come_back(home):
    home.write([row("a"), row("a", gone="1"), row("a", gone="1"), row("a", 2)], header=HEADER)
    report = home.ingest().interactions
    assert (report.already_known, report.accepted, report.reasons) == (1, 3, {})
    assert known(home) == {"a": 2}


def test_deletion_of_what_never_came_is_quarantined_and_takes_no_id(home):
    home.write([row("a", gone="yes"), row("a", gone="yes"), row("a", 3)], header=HEADER)
    report = home.ingest().interactions
    assert (report.accepted, report.reasons) == (1, {"nothing_to_delete": 2})
    assert (known(home), home.rows()[REVISION].to_list()) == ({"a": 3}, [0])


def test_flag_of_deletion_that_cannot_be_read_is_quarantined(home):
    home.write([row("a", gone="perhaps"), row("b", gone="")], header=HEADER)
    assert home.ingest().interactions.reasons == {"bad_deleted": 1}
    assert set(known(home)) == {"b"}


def test_corrections_of_one_night_follow_each_other(home):
    home.write([row("a", rating) for rating in (1, 2, 2, 3)], header=HEADER)
    assert home.ingest().interactions.already_known == 1
    rows = home.rows()
    moments = [NOW + timedelta(microseconds=step) for step in range(3)]
    assert (rows[REVISION].to_list(), rows[AVAILABLE_AT].to_list()) == ([0, 1, 2], moments)


def test_correction_in_a_log_of_the_past_is_known_from_its_own_later_time_or_from_now_on(tmp_path):
    home = Home(tmp_path, interactions=PARTS, history=True)
    first, second = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)
    home.write([row("a", 1), row("a", 2, at="2025-03-01"), row("b", 1), row("b", 2)], header=HEADER)
    home.ingest()
    assert home.rows()[AVAILABLE_AT].to_list() == [first, second, first, NOW]
    assert known(home, second) == {"a": 2, "b": 1}


@pytest.mark.parametrize("n_examples", [15, MANY])
def test_any_delivery_ends_like_replaying_it_row_by_row(n_examples, tmp_path_factory):
    @settings(max_examples=n_examples)
    @given(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.booleans()), min_size=1, max_size=9),
        st.lists(st.integers(1, 11), max_size=3),
    )
    def holds(rows, cuts):
        require_replayed(Home(tmp_path_factory.mktemp("home"), interactions=PARTS), rows, cuts)

    holds()


def require_replayed(home, rows, cuts):
    rows = [("first", 1, False), *rows]
    bounds = [0, *sorted({cut for cut in cuts if cut < len(rows)}), len(rows)]
    parts = [rows[start:end] for start, end in pairwise(bounds)]
    state: dict[str, tuple[int, bool]] = {}
    counted = dict.fromkeys(("accepted", "known", "nothing_to_delete"), 0)
    for number, part in enumerate(parts):
        # A file that is the same as an earlier one, or begins with it, is replayed from there on only.
        n_known = max((len(other) for other in parts[:number] if part[: len(other)] == other), default=0)
        counted["known"] += n_known
        for event, rating, gone in part[n_known:]:
            if gone and event not in state:
                counted["nothing_to_delete"] += 1
            elif state.get(event) == (rating, gone):
                counted["known"] += 1
            else:
                counted["accepted"] += 1
                state[event] = (rating, gone)
    seen, before = dict.fromkeys(counted, 0), 0
    for number, events in enumerate(parts):
        part = [row(event, rating, "yes" if gone else "no") for event, rating, gone in events]
        home.write(part, f"log-{number}.csv", HEADER)
        report = home.ingest().interactions
        seen["accepted"] += report.accepted
        seen["known"] += report.already_known - before
        before = report.rows_in
        for reason, count in report.reasons.items():
            seen[reason] += count
    assert seen == counted
    assert known(home) == {event: rating for event, (rating, gone) in sorted(state.items()) if not gone}
    revisions = home.rows().group_by(EVENT_ID).agg(pl.col(REVISION).sort(), pl.col(AVAILABLE_AT).is_duplicated().any())
    assert all(numbers == list(range(len(numbers))) for numbers in revisions[REVISION].to_list())
    assert not revisions[AVAILABLE_AT].any()
    assert home.rows()[TIMESTAMP].null_count() == 0
