"""Sequences that come in over several files and nights, without times."""

from datetime import timedelta
from pathlib import Path

import polars as pl

from nightschool.columns import INTERACTIONS, ITEM_INDEX, POSITION, QUARANTINE, USER_INDEX
from nightschool.data.build_log import build_event_log
from nightschool.storage.as_of import newest_known, scan_at
from tests.ingest.logs import NOW, Home

ADJACENCY = {"format": {"kind": "adjacency"}, "order": "file", "rating": None, "timestamp": None}
POSITIONS = {"position": "step", "rating": None, "timestamp": None}
LATER = NOW + timedelta(days=1)


def home_of(root: Path, interactions: dict[str, object]) -> Home:
    return Home(root, score="implicit", interactions=interactions)


def sequences(home: Home) -> dict[int, list[int]]:
    """User to their items, oldest first, as models get them."""
    log = build_event_log(None, None, scan_at(home.lake, INTERACTIONS, newest_known(home.lake)), home.manifest)
    dataset = log.dataset()
    ordered = dataset.interactions.with_columns(place=-pl.Series(dataset.places)).sort(USER_INDEX, "place")
    return {
        dataset.user_ids[user]: dataset.item_ids.gather(own[ITEM_INDEX]).to_list()
        for (user,), own in ordered.group_by(USER_INDEX, maintain_order=True)
    }


def test_adjacency_lists_over_files_and_nights(tmp_path: Path) -> None:
    home = home_of(tmp_path, {**ADJACENCY, "files": ["*.csv"]})
    home.write(["1 17 12", "2 15"], "log-2.csv", header="")
    home.write(["1 13", "2 19 11"], "log-10.csv", header="")
    home.ingest()
    assert sequences(home) == {1: [17, 12, 13], 2: [15, 19, 11]}
    home.write(["1 11"], "a.csv", header="")
    home.ingest(first_seen=LATER)
    assert sequences(home)[1] == [17, 12, 13, 11]
    # The first file comes again, with what its users took since, and with one of the pairs once more.
    home.write(["1 17 12 14 17", "2 15 14"], "log-2.csv", header="")
    counts = home.ingest(first_seen=LATER + timedelta(days=1)).interactions
    assert (counts.already_known, counts.accepted) == (7, 3)
    assert sequences(home) == {1: [12, 13, 11, 14, 17], 2: [15, 19, 11, 14]}


def test_files_of_one_night_go_by_name_whenever_they_were_written(tmp_path: Path) -> None:
    home = home_of(tmp_path, {**ADJACENCY, "files": ["*.csv"]})
    home.write(["1 14"], "b.csv", header="")
    home.ingest()
    home.write(["1 17 12"], "c.csv", header="")
    home.write(["1 13"], "a.csv", header="")
    home.ingest(first_seen=LATER)
    assert sequences(home) == {1: [14, 13, 17, 12]}


def test_positions_order_the_rows_of_a_user_over_files_and_nights(tmp_path: Path) -> None:
    home = home_of(tmp_path, {**POSITIONS})
    home.write(["1,17,3", "1,12,1", "2,15,5", "1,13,x", "1,19,", "1,11,2.5"], header="user,item,step\n")
    home.ingest()
    assert sequences(home) == {1: [12, 11, 17], 2: [15]}
    reasons = home.rows(QUARANTINE).select("reason", "detail").rows()
    assert reasons == [("bad_position", "x"), ("missing_position", None)]
    home.write(["1,18,4", "2,16,1", "1,13,2"], "log-0.csv", header="user,item,step\n")
    home.ingest(first_seen=LATER)
    assert sequences(home) == {1: [12, 13, 11, 17, 18], 2: [16, 15]}


def test_a_file_delivered_again_with_other_positions_is_set_aside(tmp_path: Path) -> None:
    home = home_of(tmp_path, {**POSITIONS})
    rows = [f"1,{item},{item}" for item in range(11, 19)]
    home.write(rows, header="user,item,step\n")
    home.ingest()
    home.write([f"1,{item},{30 - item}" for item in range(11, 19)], header="user,item,step\n")
    assert home.ingest(first_seen=LATER).interactions.set_aside == 8
    assert "7 of its 8 rows have another content now" in home.warnings[0]
    home.write([*rows, "1,40,0"], header="user,item,step\n")
    home.ingest(first_seen=LATER)
    assert sequences(home) == {1: [40, *range(11, 19)]}


def test_a_position_is_corrected_under_its_event_id(tmp_path: Path) -> None:
    home = home_of(tmp_path, {**POSITIONS, "event_id": "id"})
    home.write(["a,1,17,1", "b,1,12,2"], header="id,user,item,step\n")
    home.ingest()
    home.write(["a,1,17,1", "a,1,17,3"], "log-2.csv", header="id,user,item,step\n")
    counts = home.ingest(first_seen=LATER).interactions
    assert (counts.already_known, counts.accepted) == (3, 1)
    assert sequences(home) == {1: [12, 17]}


def test_positions_break_ties_of_equal_times_and_may_be_missing_beside_a_time(tmp_path: Path) -> None:
    home = Home(tmp_path, score="implicit", interactions={"rating": None, "position": "step"})
    rows = ["1,17,2025-01-01,2", "1,12,2025-01-01,1", "1,13,2024-01-01,", "1,14,2026-01-01,0"]
    home.write(rows, header="user,item,at,step\n")
    assert home.ingest().interactions.accepted == 4
    assert sequences(home) == {1: [13, 12, 17, 14]}


def test_a_home_that_knows_no_positions_has_no_such_column(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write(["1,17,3,2025-01-01"])
    home.ingest()
    files = home.lake.files(INTERACTIONS)
    assert [POSITION in pl.read_parquet(file).columns for file in files] == [False]
    assert home.rows()[POSITION].to_list() == [None]
