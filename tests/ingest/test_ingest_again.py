import pytest

from nightschool.columns import EVENT_ID, INTERACTIONS, QUARANTINE, SOURCE_ROW, SOURCES
from nightschool.errors import ConfigurationError
from nightschool.storage.lake import Lake
from tests.ingest.logs import HEADER, ROWS, Home


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


def test_same_files_again_add_nothing(home):
    home.write([*ROWS, "x,8,4,2025-01-01"])
    first, before = home.ingest(), home.lake.version(INTERACTIONS)
    again = home.ingest().interactions
    assert (first.interactions.accepted, first.interactions.quarantined) == (3, 1)
    assert (again.rows_in, again.already_known, again.accepted, again.quarantined) == (4, 4, 0, 0)
    assert home.lake.version(INTERACTIONS) == before
    assert home.rows(QUARANTINE).height == 1
    assert home.rows(SOURCES).height == 1


def test_grown_file_adds_what_is_new(home):
    home.write(ROWS[:2])
    home.ingest()
    home.write([*ROWS, "1,9,9,2025-01-04"])
    grown = home.ingest().interactions
    assert (grown.already_known, grown.accepted, grown.reasons) == (2, 1, {"rating_out_of_range": 1})
    assert home.rows()[SOURCE_ROW].to_list() == [1, 2, 3]
    assert home.rows(QUARANTINE)[SOURCE_ROW].to_list() == [4]


def test_new_file_of_a_glob_is_picked_up(home):
    home.write(ROWS[:2])
    home.ingest()
    home.write(ROWS[2:], "log-2.csv")
    both = home.ingest().interactions
    assert (both.already_known, both.accepted) == (2, 1)


def test_file_that_was_cut_short_says_nothing_new(home):
    home.write(ROWS)
    home.ingest()
    home.write(ROWS[:2])
    again = home.ingest().interactions
    assert (again.already_known, again.accepted, again.set_aside) == (2, 0, 0)
    assert home.rows().height == 3


def test_file_changed_in_place_is_set_aside_and_the_others_come_in(home):
    home.write(ROWS)
    home.ingest()
    home.write(["1,7,5,2025-01-01", *ROWS[1:]])
    home.write(["5,5,5,2025-02-01"], "log-2.csv")
    report = home.ingest().interactions
    assert (report.rows_in, report.accepted, report.set_aside) == (1, 1, 3)
    assert home.rows()["rating"].sort().to_list() == [3, 4, 5, 5]
    (aside,) = [fate for fate in home.files if fate.fate == "set_aside"]
    assert aside.file == "log.csv"
    assert (
        "was delivered before as log.csv, and differs; saw '1 of its 3 rows have another content now'" in aside.detail
    )


class Dies:
    """A ledger write that the power cut."""

    def __init__(self, lake: Lake) -> None:
        self._append = lake.append

    def __call__(self, table, frame) -> None:
        if table is SOURCES:
            raise KeyboardInterrupt
        self._append(table, frame)


def test_ingest_that_died_before_the_ledger_is_done_again(home, monkeypatch):
    home.write(ROWS)
    home.ingest()
    home.write([*ROWS, "5,5,5,2025-02-01", "5,5,9,2025-02-01"])
    with monkeypatch.context() as patch:
        patch.setattr(home.lake, "append", Dies(home.lake))
        with pytest.raises(KeyboardInterrupt):
            home.ingest()
    assert home.rows().height == 4
    again = home.ingest().interactions
    assert (again.already_known, again.accepted, again.quarantined) == (3, 1, 1)
    assert home.rows()[SOURCE_ROW].to_list() == [1, 2, 3, 4]
    assert home.rows(QUARANTINE)[SOURCE_ROW].to_list() == [5]


RATING = {"column": "rating", "min": 1, "max": 5}


@pytest.mark.parametrize("changed", [{"rating": {**RATING, "max": 4}}, {"liked": "rating"}], ids=["value", "key"])
def test_log_that_the_manifest_describes_anew_is_refused(home, changed):
    home.write(ROWS)
    home.ingest()
    home.write([*ROWS, "2,8,4,2025-01-04"])
    again = Home(home.root, interactions=changed)
    with pytest.raises(ConfigurationError, match=r"\[interactions\].*log\.csv.*another --home") as error:
        again.ingest()
    assert error.value.exit_code == 2
    assert home.rows().height == 3
    assert home.ingest().interactions.accepted == 1


def test_manifest_may_name_other_files_and_write_out_defaults(home):
    home.write(ROWS)
    home.ingest()
    home.write(["5,5,5,2025-02-01"], "more.csv")
    form = {"kind": "csv", "separator": ","}
    again = Home(home.root, interactions={"files": ["log.csv", "more.csv"], "format": form}).ingest().interactions
    assert (again.already_known, again.accepted) == (3, 1)


def test_log_of_another_form_may_follow_one_that_is_no_longer_named(home):
    home.write(ROWS)
    home.ingest()
    home.write(["5,7,4,2025-01-01"], "new.csv", "who,item,rating,at\n")
    assert Home(home.root, interactions={"files": ["new.csv"], "user": "who"}).ingest().interactions.accepted == 1


def write_torn(home: Home, *rows: str, header: str = HEADER) -> None:
    home.write([], header=header + "\n".join(rows))


def places(home: Home) -> tuple[list[int], list[int]]:
    return home.rows()[SOURCE_ROW].to_list(), home.rows(QUARANTINE)[SOURCE_ROW].to_list()


@pytest.mark.parametrize(
    ("torn", "whole", "before", "after"),
    [
        ("2,7,3,202", "2,7,3,2025-01-03", ([1, 2], [3]), ([1, 2, 3, 4], [])),
        ("2,7,3,2025-01-03", "2,7,3,2025-01-03 10:00:00", ([1, 2, 3], []), ([1, 2, 3, 4], [])),
        ("2,7,3,2025-01-03", "2,7,3,2025-01-03,x", ([1, 2, 3], []), ([1, 2, 4], [3])),
        (" ", " 2x,7,3,2025-01-03", ([1, 2], []), ([1, 2, 4], [3])),
    ],
    ids=["bad", "good", "good turned bad", "blank"],
)
def test_last_line_that_went_on_is_taken_in_whole(home, torn, whole, before, after):
    write_torn(home, *ROWS[:2], torn)
    home.ingest()
    assert places(home) == before
    write_torn(home, *ROWS[:2], whole, "3,7,5,2025-01-04")
    again = home.ingest().interactions
    assert (again.already_known, again.accepted + again.quarantined) == (2, 2)
    assert places(home) == after
    settled = home.ingest().interactions
    assert (settled.already_known, settled.accepted, settled.quarantined) == (4, 0, 0)


def test_last_line_that_went_on_stays_as_it_was_where_the_batch_is_refused(home):
    write_torn(home, *ROWS)
    home.ingest()
    before = home.rows()
    write_torn(home, *ROWS[:2], ROWS[2] + " 10:00:00", *["x,7,3,"] * 20)
    assert home.ingest().interactions.set_aside == 23
    assert home.rows().equals(before)
    write_torn(home, *ROWS[:2], ROWS[2] + " 10:00:00")
    assert home.ingest().interactions.accepted == 1
    assert places(home) == ([1, 2, 3], [])


def test_last_line_that_only_got_its_end_stays(home):
    write_torn(home, *ROWS)
    home.ingest()
    version = home.lake.version(INTERACTIONS)
    home.write(ROWS)
    assert home.ingest().interactions.already_known == 3
    assert home.lake.version(INTERACTIONS) == version


def test_only_line_may_go_on(tmp_path):
    form = {"kind": "csv", "header": False, "columns": ["user", "item", "rating", "at"]}
    home = Home(tmp_path, interactions={"format": form})
    write_torn(home, "1,7,4,2025-01-01", header="")
    home.ingest()
    write_torn(home, "1,7,4,2025-01-01 10:0", ROWS[1], header="")
    home.ingest()
    assert places(home) == ([2], [1])


def test_line_that_went_on_is_one_event(tmp_path):
    home = Home(tmp_path, interactions={"event_id": "id"})
    header = "id," + HEADER
    write_torn(home, "e1,1,7,4,2025-01-01", header=header)
    home.ingest()
    write_torn(home, "e1,1,7,4,2025-01-01 10:00:00", header=header)
    assert home.ingest().interactions.accepted == 1
    assert home.rows()[EVENT_ID].to_list() == ["e1"]


def test_line_that_went_on_into_a_user_with_more_items_replaces_all_its_pairs(tmp_path):
    log = {"format": {"kind": "adjacency"}, "rating": None, "timestamp": None}
    home = Home(tmp_path, interactions=log, score="implicit")
    write_torn(home, "1 7 8", "2 7 1", header="")
    home.ingest()
    write_torn(home, "1 7 8", "2 7 10 11", header="")
    assert home.ingest().interactions.already_known == 2
    assert home.rows().select("user_id", "item_id").rows() == [(1, 7), (1, 8), (2, 7), (2, 10), (2, 11)]


def test_ingest_that_died_over_a_line_that_went_on_is_done_again(home, monkeypatch):
    write_torn(home, *ROWS[:2], "2,7,3,202")
    home.ingest()
    home.write(ROWS)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(home.lake, "delete", die)
        with pytest.raises(KeyboardInterrupt):
            home.ingest()
    assert home.ingest().interactions.accepted == 1
    assert places(home) == ([1, 2, 3], [])
