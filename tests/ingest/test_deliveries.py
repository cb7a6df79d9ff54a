"""Files that come again: under their name or another, compressed or not, whole or longer, as they were or changed."""

import gzip
from datetime import timedelta

import pytest

from nightschool.columns import INTERACTIONS, QUARANTINE, SOURCE_FILE, SOURCE_ROW
from nightschool.ingest.file_outcomes import decide_file
from nightschool.ingest.ledger import Ledger
from tests.ingest.logs import HEADER, NOW, ROWS, Home

LATER = NOW + timedelta(days=1)
DAY = [f"{user},7,4,2025-01-02T10:{user:02}:00" for user in range(1, 21)]
NEXT = [f"{user},8,4,2025-01-03T10:{user:02}:00" for user in range(1, 21)]


@pytest.fixture
def delivered(tmp_path) -> Home:
    """A home that has taken in a day."""
    home = Home(tmp_path, interactions={"files": ["log*"]})
    home.write(DAY, "log-1.csv")
    assert home.ingest().interactions.accepted == 20
    return home


def fate(home: Home, file: str) -> str:
    return next(each.fate for each in home.files if each.file == file)


def pairs(home: Home) -> list[tuple]:
    return home.rows().select("user_id", "item_id", "timestamp").rows()


def test_same_content_under_another_name_adds_nothing_and_says_so(delivered):
    delivered.write(DAY, "log-again.csv")
    again = delivered.ingest(first_seen=LATER).interactions
    assert (again.already_known, again.accepted) == (40, 0)
    assert "log-again.csv holds nothing beyond log-1.csv" in delivered.warnings
    assert delivered.ingest().interactions.already_known == 40


def test_same_content_twice_in_one_night_comes_in_once(tmp_path):
    home = Home(tmp_path)
    home.write(DAY, "log-1.csv")
    home.write(DAY, "log-2.csv")
    report = home.ingest().interactions
    assert (report.already_known, report.accepted) == (20, 20)


def test_compressed_file_of_known_content_adds_nothing(delivered):
    (delivered.root / "log-1.csv.gz").write_bytes(gzip.compress((delivered.root / "log-1.csv").read_bytes()))
    (delivered.root / "log-1.csv").unlink()
    again = delivered.ingest(first_seen=LATER).interactions
    assert (again.already_known, again.accepted) == (20, 0)


def test_file_that_begins_with_a_known_one_is_its_continuation(delivered):
    (delivered.root / "log-1.csv").rename(delivered.root / "log-rotated.csv")
    delivered.write([*DAY, *DAY[:3], *NEXT], "log-rotated.csv")
    again = delivered.ingest(first_seen=LATER).interactions
    assert (again.already_known, again.accepted) == (20, 23)
    assert delivered.rows().filter(source_file="log-rotated.csv")[SOURCE_ROW].to_list() == list(range(21, 44))


def test_header_alone_is_a_file_of_no_rows_and_no_beginning_of_another(delivered):
    delivered.write([], "log-2.csv")
    empty = delivered.ingest(first_seen=LATER).interactions
    assert (empty.accepted, empty.quarantined, empty.set_aside) == (0, 0, 0)
    assert fate(delivered, "log-2.csv") == "taken"
    delivered.write(NEXT, "log-3.csv")
    delivered.write(NEXT[:5], "log-2.csv")
    full = delivered.ingest(first_seen=LATER).interactions
    assert (full.accepted, delivered.rows().height) == (20, 40)


@pytest.mark.parametrize("blank", ["", "\n\n", "  \n"])
def test_file_without_a_word_is_a_file_of_no_rows(delivered, blank):
    delivered.write([], "log-2.csv", header=blank)
    assert delivered.ingest(first_seen=LATER).interactions.set_aside == 0
    delivered.write(NEXT, "log-2.csv")
    assert delivered.ingest(first_seen=LATER).interactions.accepted == 20


def test_live_log_that_begins_anew_under_its_name(delivered):
    (delivered.root / "log-1.csv").rename(delivered.root / "log-old.csv")
    delivered.write(NEXT, "log-1.csv")
    again = delivered.ingest(first_seen=LATER).interactions
    assert (again.already_known, again.accepted) == (20, 20)
    assert delivered.rows().filter(source_file="log-1.csv")[SOURCE_ROW].to_list() == list(range(1, 41))
    delivered.write([*NEXT, "9,9,4,2025-01-04"], "log-1.csv")
    assert delivered.ingest(first_seen=LATER).interactions.accepted == 1


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "".join(f"{row}\n" for row in reversed(DAY)),
        HEADER.replace("\n", "\r\n") + "".join(f"{row}\r\n" for row in DAY),
        "at,rating,item,user\n" + "".join(",".join(reversed(row.split(","))) + "\n" for row in DAY),
    ],
    ids=["another order", "other line ends", "columns moved"],
)
@pytest.mark.parametrize("name", ["log-1.csv", "log-2.csv"])
def test_day_that_is_exported_again_is_known(delivered, text, name):
    (delivered.root / name).write_text(text, newline="")
    again = delivered.ingest(first_seen=LATER).interactions
    assert (again.accepted, again.set_aside, delivered.rows().height) == (0, 0, 20)
    assert delivered.ingest(first_seen=LATER).interactions.accepted == 0


def test_day_that_is_sent_again_with_late_rows_adds_them(delivered):
    delivered.write([*DAY[:10], "50,7,3,2025-01-02T10:10:30", *DAY[10:], DAY[0]], "log-2.csv")
    again = delivered.ingest(first_seen=LATER).interactions
    assert (again.already_known, again.accepted) == (40, 2)
    assert "20 rows of log-2.csv were delivered before, in log-1.csv" in delivered.warnings


def test_window_that_moves_on_adds_its_new_rows(delivered):
    delivered.write([*DAY[5:], *NEXT[:10]], "log-2.csv")
    assert fate_of_window(delivered) == (10, "taken")
    delivered.write([*DAY[10:], *NEXT], "log-3.csv")
    assert delivered.ingest(first_seen=LATER).interactions.accepted == 10
    assert delivered.rows().height == 40


def fate_of_window(home: Home) -> tuple[int, str]:
    return home.ingest(first_seen=LATER).interactions.accepted, fate(home, "log-2.csv")


def test_file_of_several_known_days_adds_nothing(delivered):
    delivered.write(NEXT, "log-2.csv")
    delivered.ingest(first_seen=LATER)
    delivered.write([*reversed(NEXT), *DAY], "log-week.csv")
    assert delivered.ingest(first_seen=LATER).interactions.accepted == 0
    assert delivered.rows().height == 40


@pytest.mark.parametrize("name", ["log-1.csv", "log-2.csv"])
@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        (["1,7,5,2025-01-02T10:01:00", *DAY[1:]], "1 of its 20 rows have another content now"),
        ([*DAY[:4], "5,9,4,2025-01-02T10:05:00", *DAY[5:]], "1 of its 20 rows are new and 1 known ones are missing"),
        ([row.replace(",4,", ",3,") for row in DAY], "20 of its 20 rows have another content now"),
    ],
    ids=["another rating", "another item", "all ratings"],
)
def test_day_that_was_changed_is_set_aside_by_name_and_the_others_come_in(delivered, name, changed, seen):
    delivered.write(changed, name)
    delivered.write(NEXT, "log-3.csv")
    again = delivered.ingest(first_seen=LATER).interactions
    assert (again.accepted, again.set_aside, fate(delivered, name)) == (20, 20, "set_aside")
    assert delivered.rows().height == 40
    aside = next(each for each in delivered.files if each.file == name)
    assert "log-1.csv" in aside.detail
    assert seen in aside.detail
    assert delivered.ingest(first_seen=LATER).interactions.set_aside == 20


def test_changed_day_that_is_accepted_adds_what_is_not_known(delivered):
    delivered.write(["1,7,5,2025-01-02T10:01:00", *DAY[1:]], "log-2.csv")
    delivered.ingest(first_seen=LATER)
    decide_file(Ledger(delivered.lake, LATER), [INTERACTIONS], "log-2.csv", "accepted")
    again = delivered.ingest(first_seen=LATER).interactions
    assert (again.accepted, again.set_aside) == (1, 0)
    assert delivered.ingest(first_seen=LATER).interactions.already_known == 40


def test_day_that_shares_less_than_half_is_all_new(delivered):
    delivered.write([*DAY[:9], *NEXT], "log-2.csv")
    assert delivered.ingest(first_seen=LATER).interactions.accepted == 29


def test_garbage_is_judged_in_its_own_file(delivered):
    bad = [f"{user},7,99,2025-02-01" for user in range(12)]
    delivered.write([*NEXT, *bad], "log-2.csv")
    delivered.write([f"{user},9,4,2025-03-01T10:00:{user % 60:02}" for user in range(300)], "log-3.csv")
    again = delivered.ingest(first_seen=LATER).interactions
    assert (again.accepted, again.quarantined, again.set_aside) == (300, 0, 32)
    aside = next(each for each in delivered.files if each.file == "log-2.csv")
    assert "too_many_bad_rows (12 of 32 rows)" in aside.detail
    assert "rating_out_of_range 12, such as '99.0'" in aside.detail
    assert delivered.rows(QUARANTINE).is_empty()
    delivered.write(NEXT, "log-2.csv")
    assert delivered.ingest(first_seen=LATER).interactions.accepted == 20


def test_garbage_that_is_accepted_comes_in_with_its_bad_rows_quarantined(delivered):
    delivered.write([*NEXT, *(f"{user},7,99,2025-02-01" for user in range(12))], "log-2.csv")
    delivered.ingest(first_seen=LATER)
    decide_file(Ledger(delivered.lake, LATER), [INTERACTIONS], "log-2.csv", "accepted")
    again = delivered.ingest(first_seen=LATER).interactions
    assert (again.accepted, again.quarantined) == (20, 12)


def test_file_that_is_dropped_stays_out_until_it_changes(delivered):
    delivered.write([*NEXT, *(f"{user},7,99,2025-02-01" for user in range(12))], "log-2.csv")
    delivered.ingest(first_seen=LATER)
    decide_file(Ledger(delivered.lake, LATER), [INTERACTIONS], "log-2.csv", "dropped")
    assert delivered.ingest(first_seen=LATER).interactions.accepted == 0
    assert fate(delivered, "log-2.csv") == "dropped"
    delivered.write(NEXT, "log-2.csv")
    assert delivered.ingest(first_seen=LATER).interactions.accepted == 20


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"who,item,rating,at\n1,7,4,2025-01-01\n", b"\x1f\x8b\x08broken"])
def test_file_that_cannot_be_read_keeps_nothing_else_back(delivered, content):
    (delivered.root / "log-0.csv").write_bytes(content)
    (delivered.root / "log-9.csv.gz").write_bytes(b"no archive")
    delivered.write(NEXT, "log-2.csv")
    again = delivered.ingest(first_seen=LATER).interactions
    assert again.accepted == 20
    assert (fate(delivered, "log-0.csv"), fate(delivered, "log-9.csv.gz")) == ("set_aside", "set_aside")
    assert again.set_aside == (1 if b"who" in content else 0)
    assert delivered.ingest(first_seen=LATER).interactions.accepted == 0


def test_file_that_is_missing_tonight_is_no_reason_to_stop(tmp_path):
    home = Home(tmp_path, interactions={"files": ["log-1.csv", "log-2.csv"]})
    home.write(DAY, "log-1.csv")
    home.write(NEXT, "log-2.csv")
    home.ingest()
    (home.root / "log-1.csv").unlink()
    home.write([*NEXT, *ROWS], "log-2.csv")
    assert home.ingest(first_seen=LATER).interactions.accepted == 3
    assert any("no file log-1.csv" in warning for warning in home.warnings)


def test_row_that_waited_for_its_item_comes_in_with_it(tmp_path):
    home = Home(tmp_path, items={"files": ["items.csv"], "id": "id"})
    home.write(["7"], "items.csv", "id\n")
    home.write([*DAY, "1,8,4,2025-01-03"])
    assert home.ingest().interactions.reasons == {"unknown_item": 1}
    home.write(["7", "8"], "items.csv", "id\n")
    home.ingest(first_seen=LATER)
    assert (home.report.released, home.rows().height) == (1, 21)
    assert home.report.to_dict()["interactions"]["released"] == 1
    assert home.rows(QUARANTINE).is_empty()
    assert home.rows().filter(item_id=8)["available_at"].to_list() == [LATER]


def test_file_that_was_set_aside_for_unknown_items_is_tried_again_by_itself(tmp_path):
    home = Home(tmp_path, items={"files": ["items.csv"], "id": "id"})
    home.write(["7"], "items.csv", "id\n")
    home.write(DAY, "log-1.csv")
    home.write(NEXT, "log-2.csv")
    assert home.ingest().interactions.set_aside == 20
    home.write(["7", "8"], "items.csv", "id\n")
    assert home.ingest(first_seen=LATER).interactions.accepted == 20


def test_mended_row_leaves_the_quarantine_as_superseded(delivered):
    delivered.write([*NEXT[:-1], NEXT[-1].replace(",4,", ",9,")], "log-2.csv")
    assert delivered.ingest(first_seen=LATER).interactions.reasons == {"rating_out_of_range": 1}
    delivered.write(NEXT, "log-2.csv")
    again = delivered.ingest(first_seen=LATER).interactions
    assert (again.accepted, delivered.report.superseded) == (1, 1)
    lying = delivered.rows(QUARANTINE)
    assert lying.select("reason", "detail").rows() == [("superseded", "log-2.csv row 40")]
    assert lying[SOURCE_FILE].to_list() == ["log-2.csv"]


def test_bad_form_of_a_known_row_leaves_the_quarantine_too(tmp_path):
    home = Home(tmp_path, interactions={"event_id": "id"})
    header = "id," + HEADER
    home.write([f"a{n},{row}" for n, row in enumerate(DAY)], header=header)
    home.ingest()
    home.write([*(f"b{n},{row}" for n, row in enumerate(NEXT)), "a0,1,7,4,yesterday"], "log-2.csv", header)
    assert home.ingest(first_seen=LATER).interactions.reasons == {"bad_timestamp": 1}
    assert home.report.superseded == 1
    home.write(["a1,2,7,5,yesterday", *(f"c{n},{row}" for n, row in enumerate(NEXT))], "log-3.csv", header)
    home.ingest(first_seen=LATER)
    assert home.report.superseded == 0, "what says something else may be a correction"


def test_mended_row_is_known_by_its_event_id(tmp_path):
    home = Home(tmp_path, interactions={"event_id": "id"})
    header = "id," + HEADER
    home.write([*(f"a{n},{row}" for n, row in enumerate(DAY)), "b1,5,5,4,yesterday"], header=header)
    assert home.ingest().interactions.reasons == {"bad_timestamp": 1}
    home.write(["b1,5,5,4,2025-01-05"], "log-2.csv", header)
    home.ingest(first_seen=LATER)
    assert (home.report.superseded, home.rows().height) == (1, 21)
