"""What operators asked on their page to be done with quarantined rows, carried out by the command line's ingest."""

import json
from pathlib import Path

import polars as pl
import pytest

from nightschool.application.home import open_home
from nightschool.columns import DETAIL, INTERACTIONS, QUARANTINE, REASON, ROW, SOURCE_ROW
from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.quarantine.repairs import Place, Repair, Repairs
from tests.cli.conftest import Run
from tests.cli.test_quarantine import source

__all__ = ["source"]


@pytest.fixture
def repairs(source: Path) -> Repairs:
    return Repairs(open_database(Settings().events_address))


def kept(row: int) -> str:
    """The row as it lies in quarantine."""
    lying = open_home().lake.scan(QUARANTINE).filter(pl.col(SOURCE_ROW) == row).collect()
    return str(lying[ROW].item())


def ask(repairs: Repairs, row: int, **values: str) -> None:
    corrected = json.dumps({**json.loads(kept(row)), **values})
    repairs.ask(Place("interactions", "ratings.csv", row), kept(row), corrected, "ops")


def only(repairs: Repairs) -> Repair:
    (found,) = repairs.newest(10)
    return found


def test_a_corrected_row_comes_in_with_the_next_ingest_and_leaves_the_quarantine(repairs: Repairs, run: Run) -> None:
    ask(repairs, 4, rating="5")
    outcome = run("ingest", "--json")
    assert outcome.code == 0
    assert "1 repaired rows came in" in outcome.out + outcome.err
    assert (only(repairs).state, only(repairs).row) == ("taken", None)
    lake = open_home().lake
    came = lake.scan(INTERACTIONS).filter(pl.col(SOURCE_ROW) == 4).collect()
    assert came["rating"].to_list() == [5.0]
    assert lake.scan(QUARANTINE).filter(pl.col(SOURCE_ROW) == 4).collect().is_empty()
    assert run("ingest").code == 0
    assert lake.scan(INTERACTIONS).filter(pl.col(SOURCE_ROW) == 4).collect().height == 1


def test_a_corrected_row_passes_the_same_checks(repairs: Repairs, run: Run) -> None:
    ask(repairs, 4, rating="11")
    assert run("ingest").code == 0
    assert (only(repairs).state, only(repairs).detail) == ("refused", "rating_out_of_range")
    assert json.loads(kept(4))["rating"] == "11"


def test_a_line_that_could_not_be_split_is_corrected_whole(repairs: Repairs, run: Run) -> None:
    ask(repairs, 5, line="1,7,2")
    assert run("quarantine", "retry").code == 0
    assert only(repairs).state == "taken"


def test_a_dismissed_row_leaves_the_list_and_is_kept(repairs: Repairs, run: Run) -> None:
    was = kept(4)
    repairs.dismiss(Place("interactions", "ratings.csv", 4), was, "a test account", "ops")
    assert run("ingest").code == 0
    assert only(repairs).state == "dismissed"
    assert [row["reason"] for row in run("quarantine", "list", "--json").document] == [
        "unknown_user",
        "wrong_field_count",
    ]
    assert "a test account" in run("quarantine", "list", "--reason", "dismissed").out
    row = open_home().lake.scan(QUARANTINE).filter(pl.col(SOURCE_ROW) == 4).collect()
    assert row.select(REASON, DETAIL, ROW).row(0) == ("dismissed", "a test account; bad_rating nine", was)
    assert run("quarantine", "retry", "--json").document["interactions"]["rows_in"] == 2


def test_what_was_asked_for_another_row_at_the_place_is_not_done(repairs: Repairs, run: Run) -> None:
    place = Place("interactions", "ratings.csv", 4)
    repairs.ask(place, '{"rating":"another"}', '{"user":"1","item":"7","rating":"5"}', "ops")
    assert run("ingest").code == 0
    assert only(repairs).state == "gone"
    assert json.loads(kept(4))["rating"] == "nine"


def test_what_cannot_be_tried_makes_no_ingest_fail(repairs: Repairs, run: Run, source: Path) -> None:
    ask(repairs, 4, rating="5")
    ask(repairs, 3, user="1")
    manifest = source / "tiny.toml"
    other = manifest.read_text().replace("ratings.csv", "other.csv").replace('item = "item"', 'item = "thing"')
    manifest.write_text(other)
    (source / "other.csv").write_text("user,thing,rating\n1,9,3\n")
    assert run("ingest").code == 0
    assert {(each.state, each.detail[:12]) for each in repairs.newest(10)} == {("refused", "the manifest")}
