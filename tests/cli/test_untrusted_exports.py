"""Hostile ids and titles on their way out: unchanged for programs, harmless to terminals and spreadsheets."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from nightschool.application.home import open_home
from nightschool.columns import AUDIENCE_RECOMMENDATIONS, RECOMMENDATIONS, RELEASE_ID, SIMILAR_ITEMS, Table
from nightschool.storage.releases import Draft
from tests.cli.conftest import Run
from tests.cli.untrusted import N_ROWS, Untrusted, log_row

RELEASE = "2025-03-01-0badcafe"
FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "'=1"]
ODD = [
    *FORMULAS,
    "'; DROP TABLE users; --",
    "שלום 🎓",
    "\u202eabc",
    "👩‍👩‍👧",
    "[/b] [red]",
    ":smile:",
    'a,b;c"d',
    "%s{0}\\x",
]


@pytest.fixture
def odd(tmp_path: Path, run: Run) -> Untrusted:
    """A home whose users and items bear odd ids, and odd titles, with a release that offers every user every item."""
    source = Untrusted(tmp_path / "source", run)
    quoted = ['"' + text.replace('"', '""') + '"' for text in ODD]
    source.append("users.csv", *(f"{id_},Kraków" for id_ in quoted))
    source.append("items.csv", *(f"{id_},{id_},low" for id_ in quoted))
    source.append("log.csv", *(log_row(id_, id_) for id_ in quoted))
    assert source.accepted()["interactions"]["accepted"] == N_ROWS + len(ODD)
    publish()
    return source


def publish() -> None:
    """Publishes lists that no night made."""
    lists = {"score": 1.0, "source": "popularity", "reason": "popular"}
    rows = [
        {"user_id": user, "item_id": item, "rank": rank, **lists} for user in ODD for rank, item in enumerate(ODD, 1)
    ]
    near = [{"item_id": item, "neighbor_id": ODD[0], "rank": 1, "score": 1.0} for item in ODD]
    everyone = [
        {"audience": "everyone", "item_id": item, "rank": rank, "score": 1.0} for rank, item in enumerate(ODD, 1)
    ]
    tables = ((RECOMMENDATIONS, rows), (SIMILAR_ITEMS, near), (AUDIENCE_RECOMMENDATIONS, everyone))
    home = open_home()
    for table, given in tables:
        frame = pl.DataFrame([{RELEASE_ID: RELEASE, **row} for row in given], schema=home.lake.schema(table))
        home.lake.replace_release(table, RELEASE, frame)
    counts = {table.name: len(given) for table, given in tables}
    now = datetime(2100, 1, 1, tzinfo=UTC)
    home.releases.publish(Draft(release_id=RELEASE, as_of=now, row_counts=counts), home.releases.version())


def test_lists_and_neighbours_of_odd_ids(odd: Untrusted, run: Run) -> None:
    for id_ in ODD:
        # A value that begins with a dash is given as --user=… on every command line.
        items = run("recommend", f"--user={id_}", "-k", 50, "--json").document["items"]
        assert [(item["item_id"], item["title"]) for item in items] == [(text, text) for text in ODD]
        assert run("similar-items", f"--item={id_}", "--json").document["items"][0]["title"] == ODD[0]


def test_lists_of_odd_titles_are_shown_as_they_are(odd: Untrusted, run: Run) -> None:
    shown = run("recommend", f"--user={ODD[0]}", "-k", 50)
    assert (shown.code, shown.err) == (0, "")
    assert all(text in shown.out for text in ODD)


@pytest.mark.parametrize("table", [RECOMMENDATIONS, SIMILAR_ITEMS], ids=lambda table: table.name)
def test_csv_is_harmless_in_a_spreadsheet(table: Table, odd: Untrusted, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    outcome = run("export", "--table", table.name, "--out", file, "--json")
    assert outcome.code == 0
    with file.open(encoding="utf-8", newline="") as lines:
        cells = [cell for row in csv.reader(lines) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    marked = [cell for cell in cells if cell.startswith("'") and cell != ODD[5]]
    assert {*marked} == {"'" + text for text in FORMULAS}
    assert f"{len(marked)} texts that look like formulas got a ' before them" in outcome.err
    assert outcome.document["rows"] == len(ODD) * (len(ODD) if table is RECOMMENDATIONS else 1)


def test_parquet_is_exact(odd: Untrusted, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "out.parquet"
    outcome = run("export", "--table", "recommendations", "--out", file)
    assert (outcome.code, outcome.err) == (0, "")
    frame = pl.read_parquet(file)
    assert {*frame["user_id"]} == {*frame["item_id"]} == {*ODD}


@pytest.mark.parametrize("line", [["recommend", "--user"], ["similar-items", "--item"], ["similar-users", "--user"]])
def test_unknown_odd_id_is_told_in_one_line_or_gets_everyones_list(line: list[str], odd: Untrusted, run: Run) -> None:
    for id_ in ("x" * 10_000, "\x00", "\x1b[2J", "../../etc", "' OR 1=1 --", "", "١"):
        outcome = run(line[0], f"{line[1]}={id_}", "--json")
        if outcome.code == 0:
            assert {item["why"] for item in outcome.document["items"]} == {"popular with everyone"}
        else:
            assert outcome.code == 5
            assert len(outcome.err.splitlines()) == 1
            assert "\x1b[2J" not in outcome.err
