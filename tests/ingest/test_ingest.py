import json
import random
from datetime import UTC, datetime
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations import validation
from nightschool.columns import (
    ALWAYS,
    AVAILABLE_AT,
    EVENT_ID,
    INTERACTIONS,
    ITEM_ID,
    QUARANTINE,
    REASON,
    ROW,
    SOURCE_FILE,
    SOURCE_ROW,
    SOURCES,
    USER_ID,
    USERS,
)
from nightschool.data.normalization.id_types import infer_id_dtypes
from nightschool.errors import DataRefused, NightschoolError, NotFound
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.file_outcomes import decide_file
from nightschool.ingest.ingest import ingest
from nightschool.ingest.ledger import Ledger
from tests.ingest.logs import HEADER, NOW, ROWS, Home


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


def test_report_has_the_shape_that_scripts_rely_on(home):
    home.write([*ROWS, "1,9,7,2025-01-01"])
    ledger = Ledger(home.lake, NOW)
    report = ingest(IngestContext(home.manifest, home.root, home.lake, ledger, validation, NOW, NOW))
    none = {"rows_in": 0, "already_known": 0, "accepted": 0, "quarantined": 0, "reasons": {}}
    counts = {
        "rows_in": 4,
        "already_known": 0,
        "accepted": 3,
        "quarantined": 1,
        "reasons": {"rating_out_of_range": 1},
    }
    assert json.loads(json.dumps(report.to_dict())) == {"interactions": counts, "users": none, "items": none}
    assert list(report.to_dict()) == ["interactions", "users", "items"]


def test_rows_are_taken_in_with_their_place(home):
    home.write(ROWS)
    home.ingest()
    assert home.rows().select(USER_ID, ITEM_ID, "rating", SOURCE_FILE, SOURCE_ROW).rows() == [
        (1, 7, 4.0, "log.csv", 1),
        (1, 8, 5.0, "log.csv", 2),
        (2, 7, 3.0, "log.csv", 3),
    ]


def test_identical_rows_are_repeated_events(home):
    home.write([ROWS[0], ROWS[0]])
    assert home.ingest().interactions.accepted == 2


def test_same_event_id_is_one_event(tmp_path):
    home = Home(tmp_path, interactions={"event_id": "id"})
    header = "id," + HEADER
    home.write([f"e1,{ROWS[0]}", f"e1,{ROWS[0]}", f",{ROWS[1]}", f",{ROWS[1]}"], header=header)
    first = home.ingest().interactions
    assert (first.already_known, first.accepted, first.reasons) == (1, 3, {})
    home.write([f"e1,{ROWS[0]}", f"e2,{ROWS[0]}", f"e2,{ROWS[0]}"], "log-2.csv", header)
    again = home.ingest().interactions
    assert (again.already_known, again.accepted, again.reasons) == (4 + 2, 1, {})
    assert home.rows()[EVENT_ID].drop_nulls().sort().to_list() == ["e1", "e2"]


def test_bad_event_does_not_take_its_id(tmp_path):
    home = Home(tmp_path, interactions={"event_id": "id"})
    home.write([f"e1,{ROWS[0]}9", f"e1,{ROWS[0]}"], header="id," + HEADER)
    assert home.ingest().interactions.reasons == {"bad_timestamp": 1}


def test_interactions_must_join_declared_tables(tmp_path):
    home = Home(
        tmp_path, users={"files": ["users.csv"], "id": "id"}, items={"files": ["items.csv"], "id": "id", "title": "t"}
    )
    home.write(["1"], "users.csv", "id\n")
    home.write(["7,Joins"], "items.csv", "id,t\n")
    home.write(ROWS)
    report = home.ingest()
    assert report.interactions.reasons == {"unknown_item": 1, "unknown_user": 1}
    assert (report.users.accepted, report.items.accepted) == (1, 1)
    assert home.rows(QUARANTINE)["detail"].to_list() == ["8", "2"]


def test_ids_that_do_not_join_at_all_refuse_the_batch_and_write_nothing(tmp_path):
    home = Home(tmp_path, users={"files": ["users.csv"], "id": "id"})
    home.write(["901"], "users.csv", "id\n")
    home.write([f"{user},7,4,2025-01-01" for user in range(1, 21)])
    with pytest.raises(DataRefused, match=r"too_many_bad_rows \(20 of 20 rows\).*unknown_user 20") as error:
        home.ingest()
    assert error.value.exit_code == 3
    assert not any(home.lake.exists(table) for table in (USERS, INTERACTIONS, QUARANTINE, SOURCES))


def test_no_good_row_at_all_is_refused(home):
    home.write(["1,7,9,2025-01-01"])
    with pytest.raises(DataRefused, match=r"no row for interactions is good; saw .rating_out_of_range 1, such as"):
        home.ingest()


def test_late_bad_row_does_not_stop_the_night(home):
    home.write(ROWS)
    home.ingest()
    home.write([*ROWS, "1,7,9,2025-01-01"])
    assert home.ingest().interactions.quarantined == 1


def test_out_of_range_ratings_and_odd_times_are_quarantined_with_their_row(home):
    home.write([*ROWS, "1,7,0,2025-01-01", "1,7,4,1970-01-01", "1,7,4,2026-01-03", "1,7,NaN,2025-01-01"])
    home.ingest()
    bad = home.rows(QUARANTINE)
    assert bad.select(SOURCE_ROW, REASON).rows() == [
        (4, "rating_out_of_range"),
        (5, "epoch_zero"),
        (6, "timestamp_in_future"),
        (7, "missing_rating"),
    ]
    assert json.loads(bad[ROW][0]) == {"user": "1", "item": "7", "rating": "0", "at": "2025-01-01"}


def test_rows_whose_ids_say_what_is_wrong_do_not_refuse_their_file(home):
    rounded = [f"1.8153{n}E+18,7,4,2025-01-01" for n in range(20)]
    nobody = [f"NULL,7,4,2025-01-{n:02}" for n in range(1, 16)]
    good = [f"{1815340886928000336 + n},7,4,2025-01-01" for n in range(40)]
    home.write([*rounded, *nobody, *good])
    counts = home.ingest().interactions
    assert (counts.accepted, counts.reasons) == (40, {"mangled_id": 20, "missing_user": 15})
    assert any("20 rows of log.csv have ids that were rounded (mangled_id)" in warning for warning in home.warnings)
    assert home.rows()[USER_ID].min() == 1815340886928000336


def test_a_quote_that_would_swallow_rows_refuses_its_file_with_advice(tmp_path):
    header = "user\titem\trating\tat\tnote\n"
    notes = ["", '"odd', "fine", 'see this"', '5" wide']
    rows = [f"{n}\t7\t4\t2025-01-01\t{notes[n % 5]}" for n in range(50)]
    home = Home(tmp_path, interactions={"format": {"kind": "csv", "separator": "\t"}})
    home.write(rows, header=header)
    with pytest.raises(DataRefused, match=r"a quoted field holds whole rows.*10 such quotes.*quote = \"none\""):
        home.ingest()
    home.write(["1\t7\t4\t2025-02-01\t"], "log-2.csv", header=header)
    home.ingest()
    decide_file(Ledger(home.lake, NOW), [INTERACTIONS], "log.csv", "accepted")
    counts = home.ingest().interactions
    assert (counts.accepted + counts.quarantined, counts.reasons) == (50, {"lone_quote": 10})
    (tmp_path / "other").mkdir()
    other = Home(tmp_path / "other", interactions={"format": {"kind": "csv", "separator": "\t", "quote": "none"}})
    other.write(rows, header=header)
    assert other.ingest().interactions.accepted == 50


def test_numbers_and_times_of_a_german_spreadsheet_come_in(tmp_path):
    log = {
        "format": {"kind": "csv", "separator": ";", "decimal": ",", "thousands": "."},
        "timestamp": {"column": "at", "format": "%d.%m.%Y %H:%M", "timezone": "Europe/Berlin"},
        "duration": "seconds",
    }
    home = Home(tmp_path, interactions=log)
    rows = [
        "1;7;4,5;27.10.2024 02:30;1.000,5",
        "1;8;3;31.03.2024 02:15;",
        "2;7;3.5;1.7.2024 12:00;",
        "2;8;5,0;2.7.2024 12:00;60",
    ]
    home.write(rows, header="user;item;rating;at;seconds\n")
    assert home.ingest().interactions.reasons == {"bad_rating": 1}
    assert home.rows()["rating"].to_list() == [4.5, 3.0, 5.0]
    assert home.rows()["duration_seconds"].to_list() == [1000.5, None, 60.0]
    assert [at.hour for at in home.rows()["timestamp"]] == [0, 1, 10]
    expected = (
        "log.csv: local times that occur twice or never when the clocks change, such as '27.10.2024 02:30' (2 rows)"
    )
    assert any(expected in warning for warning in home.warnings)


def test_a_column_of_words_is_no_column_of_ids(home):
    home.write([*ROWS, *["NULL,7,4,2025-01-01"] * 30])
    with pytest.raises(DataRefused, match=r"too_many_bad_rows.*missing_user 30, such as 'NULL'"):
        home.ingest()


def test_header_in_the_data_is_quarantined(tmp_path):
    form = {"kind": "csv", "header": False, "columns": ["user", "item", "rating", "at"]}
    home = Home(tmp_path, interactions={"format": form})
    home.write(ROWS)
    assert infer_id_dtypes(home.manifest, home.root) == (pl.Int64(), pl.Int64())
    assert home.ingest().interactions.reasons == {"header_in_data": 1}


def test_extra_line_is_quarantined(home):
    home.write([*ROWS, "-- 3 rows exported --"])
    assert home.ingest().interactions.reasons == {"wrong_field_count": 1}


def test_missing_file_is_not_found(home):
    with pytest.raises(NotFound, match=r"no file log\*\.csv"):
        home.ingest()


def test_file_is_known_from_when_it_was_first_seen(home):
    home.write([*ROWS, "2,8,4,2026-01-01 12:00:00", "2,9,4,"])
    home.ingest()
    later = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert home.rows()[AVAILABLE_AT].to_list() == [NOW, NOW, NOW, later, NOW]


def test_log_of_the_past_is_known_from_the_events_time(tmp_path):
    home = Home(tmp_path, history=True)
    home.write([ROWS[0], "2,9,4,"])
    home.ingest()
    assert home.rows()[AVAILABLE_AT].to_list() == [datetime(2025, 1, 1, tzinfo=UTC), ALWAYS]


def test_check_that_breaks_writes_nothing_and_blames_no_data(home):
    def broken(*_: object) -> pl.DataFrame:
        raise NightschoolError("the check broke")

    home.write(ROWS)
    with pytest.raises(NightschoolError, match="the check broke") as error:
        home.ingest(SimpleNamespace(check_rows=broken, check_intake=validation.check_intake))
    assert error.value.exit_code == 1
    assert not home.lake.exists(INTERACTIONS)


GOOD = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 5)).map(
    lambda row: "{},{},{},2025-01-01".format(*row)
)
BAD = st.sampled_from(
    ["", ",1,1,", "1,,1,", "1,1,9,", "x,1,1,", '1,"1,1,', "1,1,1,soon", "1,1", "1,1,1,,1", "1,1,inf,"]
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    good=st.lists(GOOD, min_size=1, max_size=12),
    bad=st.lists(BAD, max_size=9),
    seed=st.integers(0, 99),
    cut=st.integers(0, 20),
)
def test_every_row_is_accepted_or_quarantined_exactly_once(tmp_path_factory, good, bad, seed, cut):
    home = Home(tmp_path_factory.mktemp("home"))
    lines = [*good, *bad]
    random.Random(seed).shuffle(lines)
    home.write([good[0], *lines[:cut]])
    first = home.ingest().interactions
    home.write([good[0], *lines])
    second = home.ingest().interactions
    n_rows = 1 + sum(line != "" for line in lines)
    assert second.rows_in == n_rows
    assert second.already_known == first.rows_in
    assert home.rows().height == first.accepted + second.accepted == 1 + len(good)
    places = [*home.rows()[SOURCE_ROW], *home.rows(QUARANTINE)[SOURCE_ROW]]
    assert sorted(places) == list(range(1, n_rows + 1))
