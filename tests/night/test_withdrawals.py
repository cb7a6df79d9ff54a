"""Full lists of users and items: who is no longer in them is withdrawn."""

from datetime import UTC, datetime, timedelta

import pytest

from nightschool.columns import AVAILABLE_AT, ITEM_ID, ITEMS, UNTIL, USER_ID, USERS, WITHDRAWN
from nightschool.data.manifest.sections import Time
from tests.ingest.entities import TUESDAY, Home


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


def withdrawn(home: Home) -> list[tuple]:
    rows = home.lake.scan(USERS).filter(WITHDRAWN).collect()
    return rows.sort(USER_ID, AVAILABLE_AT).select(USER_ID, AVAILABLE_AT).rows()


def test_user_who_is_no_longer_listed_is_withdrawn_and_may_come_back(home):
    home.ingest()
    home.write("users.csv", "id,role,likes\n1,Student,x|y\n")
    report = home.ingest(TUESDAY)["users"]
    assert (report["rows_in"], report["already_known"], report.get("withdrawn", 0)) == (1, 1, 1)
    assert withdrawn(home) == [(2, TUESDAY)]
    assert home.ingest(TUESDAY)["users"].get("withdrawn", 0) == 0
    home.write("users.csv", "id,role,likes\n1,Student,x|y\n2,,\n")
    assert home.ingest(TUESDAY + timedelta(days=1))["users"]["accepted"] == 1
    assert home.users()[-1] == (2, None, [], TUESDAY + timedelta(days=1))


def test_user_whom_a_file_of_some_lacks_stays(home):
    home.describe("users", complete=False)
    home.ingest()
    home.write("users.csv", "id,role,likes\n1,Student,x|y\n")
    assert home.ingest(TUESDAY)["users"].get("withdrawn", 0) == 0
    assert withdrawn(home) == []


def test_user_whose_row_is_bad_is_still_listed(home):
    home.describe("users", labels={"role": {"Student": "Student"}})
    home.ingest()
    home.write("users.csv", "id,role,likes\n1,Student,x|y\n2,Strange,\n")
    assert home.ingest(TUESDAY)["users"]["reasons"] == {"bad_role": 1}
    assert withdrawn(home) == []


def test_header_alone_withdraws_nobody(home):
    home.ingest()
    home.write("users.csv", "id,role,likes\n")
    assert home.ingest(TUESDAY)["users"].get("withdrawn", 0) == 0
    assert withdrawn(home) == []


def test_files_of_two_lists_are_each_complete_by_themselves(home):
    home.write("users-b.csv", "id,role,likes\n3,Lead,\n4,Lead,\n")
    assert home.ingest()["users"]["accepted"] == 4
    home.write("users-b.csv", "id,role,likes\n4,Lead,\n")
    assert home.ingest(TUESDAY)["users"].get("withdrawn", 0) == 1
    assert withdrawn(home) == [(3, TUESDAY)]


@pytest.mark.parametrize("gone", [False, True], ids=["both stay", "the first is gone"])
def test_dated_files_are_deliveries_of_one_list_and_the_newest_counts(home, gone):
    (home.root / "users.csv").unlink()
    home.write("users-1.csv", "id,role,likes\n1,Student,\n2,,\n3,,\n")
    home.ingest()
    if gone:
        (home.root / "users-1.csv").unlink()
    home.write("users-2.csv", "id,role,likes\n1,Student,\n3,,\n4,,\n")
    report = home.ingest(TUESDAY)["users"]
    assert (report["accepted"], report.get("withdrawn", 0)) == (1, 1)
    assert withdrawn(home) == [(2, TUESDAY)]
    home.write("users-3.csv", "id,role,likes\n1,Student,\n2,,\n3,,\n")
    again = home.ingest(TUESDAY + timedelta(days=1))["users"]
    assert (again["accepted"], again.get("withdrawn", 0)) == (1, 1)
    assert withdrawn(home) == [(2, TUESDAY), (4, TUESDAY + timedelta(days=1))]


def test_earlier_delivery_that_arrives_again_counts(home):
    (home.root / "users.csv").unlink()
    home.write("users-1.csv", "id,role,likes\n1,Student,\n2,,\n5,,\n")
    home.ingest()
    home.write("users-2.csv", "id,role,likes\n1,Student,\n3,,\n5,,\n")
    home.ingest(TUESDAY)
    home.write("users-1.csv", "id,role,likes\n1,Student,\n2,,\n5,,\n")
    home.ingest(TUESDAY + timedelta(days=1))
    assert withdrawn(home) == [(2, TUESDAY), (3, TUESDAY + timedelta(days=1))]
    assert home.ingest(TUESDAY + timedelta(days=1))["users"].get("withdrawn", 0) == 0


def test_items_end_when_the_catalogue_says(home):
    home.write("items.csv", "id,title,since,end\na,Joins,,\nb,Loops,,2026-03-01\n")
    home.describe("items", until=Time(column="end", unit="iso"))
    home.ingest()
    items = home.lake.scan(ITEMS).sort(ITEM_ID).collect()
    assert items[UNTIL].to_list() == [None, datetime(2026, 3, 1, tzinfo=UTC)]
