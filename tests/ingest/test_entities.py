from datetime import UTC, datetime

import polars as pl
import pytest

from nightschool.columns import (
    ALWAYS,
    AVAILABLE_AT,
    ITEM_ID,
    ITEMS,
    QUARANTINE,
    REASON,
    SOURCE_ROW,
    USER_ID,
    USERS,
)
from nightschool.errors import ConfigurationError, DataRefused
from tests.ingest.entities import MICROSECOND, MONDAY, TUESDAY, Home


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


def test_users_are_taken_in_with_attributes_and_lists(home):
    assert home.ingest()["users"]["accepted"] == 2
    assert home.users() == [(1, "Student", ["x", "y"], MONDAY), (2, None, [], MONDAY)]


def test_same_file_again_adds_nothing(home):
    home.ingest()
    again = home.ingest(TUESDAY)["users"]
    assert (again["rows_in"], again["already_known"], again["accepted"]) == (2, 2, 0)


def test_change_is_one_more_row(home):
    home.ingest()
    home.write("users.csv", "id,role,likes\n2,,\n1,Senior,x|y\n3,Student,\n")
    report = home.ingest(TUESDAY)["users"]
    assert (report["rows_in"], report["already_known"], report["accepted"]) == (3, 1, 2)
    assert home.users() == [
        (1, "Student", ["x", "y"], MONDAY),
        (1, "Senior", ["x", "y"], TUESDAY),
        (2, None, [], MONDAY),
        (3, "Student", [], TUESDAY),
    ]


def test_change_of_a_list_alone_is_a_change(home):
    home.ingest()
    home.write("users.csv", "id,role,likes\n1,Student,y|x\n2,,\n")
    assert home.ingest(TUESDAY)["users"]["accepted"] == 1


def test_change_at_the_same_instant_still_comes_later(home):
    home.ingest()
    home.write("users.csv", "id,role,likes\n1,Senior,\n2,,\n")
    home.ingest(MONDAY)
    assert [row[3] for row in home.users()] == [MONDAY, MONDAY + MICROSECOND, MONDAY]


def test_first_of_a_repeated_id_is_kept(home):
    home.write("users.csv", "id,role,likes\n1,Student,\n1,Senior,\n2,,\n")
    assert home.ingest()["users"]["reasons"] == {"duplicate_id": 1}
    assert [row[:2] for row in home.users()] == [(1, "Student"), (2, None)]
    bad = home.lake.scan(QUARANTINE).collect()
    assert bad.select("table", SOURCE_ROW, REASON, "detail").rows() == [("users", 2, "duplicate_id", "1")]


def test_row_that_says_the_same_again_is_known(home):
    home.write("users.csv", "id,role,likes\n1,Student,x\n1,Student,x\n2,,\n1,Senior,x\n1,Senior,x\nx,,\nx,,\n")
    report = home.ingest()["users"]
    assert (report["rows_in"], report["accepted"], report["already_known"]) == (7, 2, 2)
    assert report["reasons"] == {"bad_user": 2, "duplicate_id": 1}


def test_numbers_are_kept_as_numbers(home):
    home.write("users.csv", "id,role,likes,hours\n1,Student,,1h 30m\n2,,,whenever\n")
    home.describe("users", numbers={"hours": "hours"})
    assert home.ingest()["users"]["accepted"] == 2
    rows = home.lake.scan(USERS).sort(USER_ID).collect()
    assert (rows["hours"].to_list(), rows["hours"].dtype) == ([1.5, None], pl.Float64())
    home.describe("users", numbers={}, attributes=("role", "hours"))
    with pytest.raises(ConfigurationError, match="makes column hours text; saw 'numbers in the home'"):
        home.ingest(TUESDAY)


def test_bad_row_does_not_take_its_id(home):
    home.write("users.csv", "id,role,likes\n1,Student\n1,Senior,\n,,\nx,,\n")
    assert home.ingest()["users"]["reasons"] == {"bad_user": 1, "missing_user": 1, "wrong_field_count": 1}
    assert [row[:2] for row in home.users()] == [(1, "Senior")]


def test_repaired_row_leaves_the_quarantine(home):
    home.write("users.csv", "id,role,likes\n1,Student,\nx,Senior,\n")
    home.ingest()
    home.write("users.csv", "id,role,likes\n1,Student,\n2,Senior,\n")
    assert home.ingest(TUESDAY)["users"]["quarantined"] == 0
    assert home.lake.scan(QUARANTINE).collect().height == 0


def test_later_file_changes_what_an_earlier_one_said(home):
    home.write("users-2.csv", "id,role,likes\n2,Lead,\n")
    home.ingest()
    assert home.users()[1:] == [(2, "Lead", [], MONDAY), (2, None, [], MONDAY + MICROSECOND)]


def test_column_that_the_manifest_adds_comes_in_from_the_same_file(home):
    home.write("users.csv", "id,role,likes,team\n1,Student,x|y,red\n2,,,\n")
    home.ingest()
    home.describe("users", attributes=("role", "team"))
    report = home.ingest(TUESDAY)["users"]
    assert (report["rows_in"], report["already_known"], report["accepted"]) == (2, 1, 1)
    rows = home.lake.scan(USERS).select(USER_ID, "team", AVAILABLE_AT).sort(USER_ID, AVAILABLE_AT).collect().rows()
    assert rows == [(1, None, MONDAY), (1, "red", TUESDAY), (2, None, MONDAY)]
    assert home.ingest(TUESDAY)["users"]["accepted"] == 0


def test_column_without_values_comes_in_too(home):
    home.write("users.csv", "id,role,likes,team\n1,Student,x|y,\n2,,,\n")
    home.ingest()
    home.describe("users", attributes=("role", "team"))
    assert home.ingest(TUESDAY)["users"]["accepted"] == 0
    assert home.lake.scan(USERS).collect()["team"].to_list() == [None, None]
    version = home.lake.version(USERS)
    home.ingest(TUESDAY)
    assert home.lake.version(USERS) == version


def test_column_that_the_manifest_drops_is_no_change(home):
    home.ingest()
    home.describe("users", attributes=())
    assert home.ingest(TUESDAY)["users"]["already_known"] == 2
    home.describe("users", attributes=("role",))
    assert home.ingest(TUESDAY)["users"]["already_known"] == 2


def test_column_that_the_manifest_reads_otherwise_is_a_change(home):
    home.ingest()
    home.describe("items", text=("title",), title=None)
    assert home.ingest(TUESDAY)["items"]["accepted"] == 1
    items = home.lake.scan(ITEMS).sort(AVAILABLE_AT).collect()
    assert items.select("title", "text").rows() == [("Joins", None), (None, "Joins")]


def test_file_that_is_described_anew_is_quarantined_once(home):
    home.write("users.csv", "id,role,likes\n1,Student,\nx,Senior,\n")
    home.ingest()
    home.describe("users", attributes=())
    assert home.ingest(TUESDAY)["users"]["quarantined"] == 1
    assert home.lake.scan(QUARANTINE).collect().height == 1


def test_column_cannot_become_lists(home):
    home.ingest()
    home.describe("users", attributes=(), lists={"likes": "|", "role": "|"})
    with pytest.raises(ConfigurationError, match=r"\[users\] makes column role lists; saw 'text in the home'") as error:
        home.ingest(TUESDAY)
    assert error.value.exit_code == 2


def test_users_of_a_log_of_the_past_were_always_known(tmp_path):
    home = Home(tmp_path, history=True)
    home.ingest()
    home.write("users.csv", "id,role,likes\n1,Senior,\n2,,\n")
    home.ingest(TUESDAY)
    assert [row[3] for row in home.users()] == [ALWAYS, TUESDAY, ALWAYS]


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (False, [MONDAY, MONDAY, datetime(2027, 1, 1, tzinfo=UTC)]),
        (True, [ALWAYS, datetime(2020, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]),
    ],
    ids=["new", "past"],
)
def test_items_are_available_from_when_the_catalogue_says(tmp_path, history, expected):
    home = Home(tmp_path, history=history)
    home.write("items.csv", "id,title,since\na,Joins,\nb,Loops,2020-01-01\nc,Trees,2027-01-01\n")
    home.ingest()
    items = home.lake.scan(ITEMS).collect().sort(ITEM_ID)
    assert items[AVAILABLE_AT].to_list() == expected
    assert items["title"].to_list() == ["Joins", "Loops", "Trees"]


def test_file_of_bad_users_refuses_everything(home):
    home.write("users.csv", "id,role,likes\n" + "x,,\n" * 11)
    with pytest.raises(DataRefused, match=r"the batch for users.*bad_user 11"):
        home.ingest()
    assert not home.lake.exists(ITEMS)
