"""A folder as a landing zone: whatever has landed is taken in once, and stays when its file is taken away."""

from pathlib import Path

import pytest

from nightschool.columns import INTERACTIONS, ITEMS, SOURCE_FILE
from tests.ingest.logs import ROWS, Home


@pytest.fixture
def landing(tmp_path: Path) -> Home:
    (tmp_path / "landing").mkdir()
    return Home(tmp_path, interactions={"files": ["landing/"]})


def test_files_that_land_later_are_taken_in_later(landing):
    landing.write(ROWS[:2], "landing/monday.csv")
    assert landing.ingest().interactions.accepted == 2
    landing.write(ROWS[2:], "landing/a tuesday.csv")
    report = landing.ingest().interactions
    assert (report.already_known, report.accepted) == (2, 1)
    assert landing.rows()[SOURCE_FILE].to_list() == ["landing/a tuesday.csv", *["landing/monday.csv"] * 2]


def test_file_still_being_written_waits_for_its_name(landing):
    landing.write(ROWS[:2], "landing/monday.csv")
    landing.write(ROWS[2:], "landing/tuesday.csv.part")
    landing.write(ROWS, "landing/.monday.csv.swp")
    landing.write(["done"], "landing/_SUCCESS", header="")
    assert landing.ingest().interactions.accepted == 2
    (landing.root / "landing" / "tuesday.csv.part").rename(landing.root / "landing" / "tuesday.csv")
    assert landing.ingest().interactions.accepted == 1


def test_rows_stay_when_their_file_is_taken_away(landing):
    landing.write(ROWS, "landing/monday.csv")
    landing.ingest()
    (landing.root / "landing" / "monday.csv").unlink()
    report = landing.ingest().interactions
    assert (report.rows_in, report.accepted) == (0, 0)
    assert landing.rows().height == 3
    landing.write(ROWS, "landing/monday.csv")
    assert landing.ingest().interactions.already_known == 3


def test_nothing_may_have_landed_yet(tmp_path):
    (tmp_path / "landing").mkdir()
    (tmp_path / "items.csv").write_text("id\n7\n8\n")
    home = Home(tmp_path, interactions={"files": ["landing/"]}, items={"files": ["items.csv"], "id": "id"})
    report = home.ingest()
    assert (report.interactions.rows_in, report.items.accepted) == (0, 2)
    home.write(ROWS, "landing/monday.csv")
    assert home.ingest().interactions.accepted == 3


def test_items_may_land_too(tmp_path):
    (tmp_path / "catalogue").mkdir()
    home = Home(tmp_path, items={"files": ["catalogue/"], "id": "id", "title": "name"})
    home.write(ROWS[:1])
    (tmp_path / "catalogue" / "1.csv").write_text("id,name\n7,Sets\n")
    assert home.ingest().items.accepted == 1
    (tmp_path / "catalogue" / "1.csv").unlink()
    (tmp_path / "catalogue" / "2.csv").write_text("id,name\n7,Sets and maps\n8,Graphs\n")
    assert home.ingest().items.accepted == 2
    assert home.lake.scan(ITEMS).collect()["title"].sort().to_list() == ["Graphs", "Sets", "Sets and maps"]


def test_file_that_is_none_of_the_log_is_refused_by_its_name(landing):
    landing.write(ROWS, "landing/monday.csv")
    landing.write(["x"], "landing/notes.txt", header="")
    assert landing.ingest().interactions.accepted == 3
    (aside,) = [fate for fate in landing.files if fate.fate == "set_aside"]
    assert "landing/notes.txt has no column user" in aside.detail
    assert landing.rows(INTERACTIONS).height == 3
