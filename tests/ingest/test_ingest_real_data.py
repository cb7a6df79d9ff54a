"""Every real data set comes in whole through the command line, from its manifest alone."""

import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.application.home import open_home
from nightschool.cli.app import main
from nightschool.columns import (
    ALWAYS,
    AVAILABLE_AT,
    DETAIL,
    EVENT,
    INTERACTIONS,
    ITEM_ID,
    ITEMS,
    QUARANTINE,
    RATING,
    REASON,
    SOURCE_ROW,
    TABLE,
    TIMESTAMP,
    TITLE,
    USER_ID,
    USERS,
    Table,
)
from nightschool.data.manifest.manifest import load_manifest
from nightschool.data.splits.given_test import read_test

Ingest = Callable[..., dict[str, Any]]

ROWS = {
    "goodbooks-10k": (981_756, 0, 10_000),
    "gowalla": (719_081 + 91_047, 0, 0),
    "mooccubex": (698_260, 11_943, 2297),
    "movielens-100k": (100_000, 943, 1682),
    "movielens-1m": (487_650, 6040, 3883),
    "pluralsight": (104_335 + 6571, 10_000, 0),
    "yelp2018": (1_237_259, 0, 0),
}
"""Rows of interactions, users and items, all of them good."""


@pytest.fixture
def ingest(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ingest:
    """Runs `nightschool ingest --json` and gives back what it prints."""

    def run(dataset: object, root: Path) -> dict[str, Any]:
        arguments = ("ingest", "--dataset", dataset, "--source-root", root, "--json")
        monkeypatch.setattr(sys, "argv", ["nightschool", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 0
        return dict(json.loads(capsys.readouterr().out))

    return run


def counts(already_known: int, accepted: int, reasons: dict[str, int]) -> dict[str, Any]:
    """What became of a table's rows, as `ingest --json` tells it."""
    quarantined = sum(reasons.values())
    taken = {"rows_in": already_known + accepted + quarantined, "already_known": already_known, "accepted": accepted}
    return {**taken, "quarantined": quarantined, "reasons": reasons}


def rows(table: Table) -> pl.DataFrame:
    return open_home().lake.scan(table).collect()


@pytest.mark.parametrize("name", ROWS)
def test_data_set_is_taken_in_whole(data_root, ingest, name):
    report = ingest(name, data_root / name)
    for table, n_rows in zip((INTERACTIONS, USERS, ITEMS), ROWS[name], strict=True):
        assert report[table.name] == counts(0, n_rows, {})
        assert rows(table).height == n_rows
    again = ingest(name, data_root / name)
    assert {table: counts["already_known"] for table, counts in again.items()} == {
        table: counts["rows_in"] for table, counts in report.items()
    }


def test_movielens_instants_are_those_of_1997_and_1998(data_root, ingest):
    ingest("movielens-100k", data_root / "movielens-100k")
    available = rows(INTERACTIONS)[AVAILABLE_AT]
    assert (available.min(), available.max()) == (
        datetime(1997, 9, 20, 3, 5, 10, tzinfo=UTC),
        datetime(1998, 4, 22, 23, 10, 38, tzinfo=UTC),
    )


def test_movielens_1m_has_names_for_its_codes(data_root, ingest):
    ingest("movielens-1m", data_root / "movielens-1m")
    assert rows(INTERACTIONS)[USER_ID].unique().sort().to_list() == list(range(1, 3000))
    first = rows(USERS).filter(pl.col(USER_ID) == 1).row(0, named=True)
    assert (first["occupation"], first["gender"], first["age"]) == ("K-12 student", "F", "Under 18")
    titles = rows(ITEMS).filter(pl.col(ITEM_ID).is_in([1, 73])).sort(ITEM_ID)
    assert titles[TITLE].to_list() == ["Toy Story (1995)", "Mis?rables, Les (1995)"]
    assert titles["genres"].to_list() == [["Animation", "Children's", "Comedy"], ["Drama", "Musical"]]


def test_goodbooks_ratings_join_its_books(data_root, ingest):
    ingest("goodbooks-10k", data_root / "goodbooks-10k")
    log, books = rows(INTERACTIONS), rows(ITEMS)
    assert log.select(USER_ID, ITEM_ID, RATING).is_duplicated().sum() > 0
    assert log[USER_ID].n_unique() == 53_424
    first = books.filter(pl.col(ITEM_ID) == 1).row(0, named=True)
    assert (first[TITLE], first["authors"]) == ("The Hunger Games (The Hunger Games, #1)", ["Suzanne Collins"])
    assert first["original_publication_year"] == 2008.0


def test_gowalla_keeps_its_test_out(data_root, ingest):
    ingest("gowalla", data_root / "gowalla")
    log = rows(INTERACTIONS)
    assert (log[USER_ID].n_unique(), log[ITEM_ID].n_unique()) == (29_858, 40_981)
    held_out = read_test(load_manifest("gowalla"), data_root / "gowalla", log.lazy())
    assert held_out.height == 217_242
    assert held_out.join(log, on=ITEM_ID, how="anti").height == 0


def test_yelp2018_keeps_its_test_out(data_root, ingest):
    ingest("yelp2018", data_root / "yelp2018")
    log = rows(INTERACTIONS)
    assert (log[USER_ID].n_unique(), log[ITEM_ID].n_unique()) == (31_668, 38_048)
    assert read_test(load_manifest("yelp2018"), data_root / "yelp2018", log.lazy()).height == 324_147


def test_pluralsight_joins_views_assessments_and_interests(data_root, ingest):
    ingest("pluralsight", data_root / "pluralsight")
    log, users = rows(INTERACTIONS), rows(USERS)
    of_kind = log.group_by(EVENT).agg(
        rows=pl.len(), users=pl.col(USER_ID).n_unique(), rated=pl.col(RATING).count(), timed=pl.col(TIMESTAMP).count()
    )
    assert of_kind.sort(EVENT).rows() == [("assessment", 6571, 3114, 6571, 6571), ("view", 104_335, 8741, 0, 0)]
    assert users["interests"].list.len().sum() == 202_019
    assert users.filter(pl.col(USER_ID) == 1)["interests"][0].head(3).to_list() == ["2", "3", "4"]
    assert log.filter(pl.col(EVENT) == "view")[AVAILABLE_AT].unique().to_list() == [ALWAYS]


STARTS = {"2013B": (2013, 2), "2013J": (2013, 10), "2014B": (2014, 2), "2014J": (2014, 10)}


def test_oulad_counts_days_from_the_start_of_each_presentation(data_root, ingest):
    report = ingest("oulad", data_root / "oulad")
    assert report["interactions"] == counts(0, 173_739, {"missing_rating": 173})
    source = pl.read_csv(data_root / "oulad" / "studentAssessment.csv", null_values="").with_row_index(SOURCE_ROW, 1)
    terms = pl.read_csv(data_root / "oulad" / "assessments.csv")["id_assessment", "code_presentation"]
    start = {name: datetime(year, month, 1, tzinfo=UTC) for name, (year, month) in STARTS.items()}
    expected = (
        source.join(terms, on="id_assessment")
        .filter(pl.col("score").is_not_null())
        .select(
            pl.col(SOURCE_ROW).cast(pl.Int64),
            time=pl.col("code_presentation").replace_strict(start) + pl.duration(days=pl.col("date_submitted")),
            score=pl.col("score").cast(pl.Float64),
        )
    )
    found = rows(INTERACTIONS).join(expected, on=SOURCE_ROW)
    assert found.height == 173_739
    assert (found[TIMESTAMP] == found["time"]).all()
    assert (found[RATING] == found["score"]).all()


def test_oulad_students_are_taken_in_once(data_root, ingest):
    report = ingest("oulad", data_root / "oulad")
    assert report["users"] == counts(3736, 28_785, {"duplicate_id": 72})
    source = pl.read_csv(data_root / "oulad" / "studentInfo.csv")
    older = source.group_by("id_student").agg(pl.col("age_band").n_unique()).filter(pl.col("age_band") > 1)
    bad = rows(QUARANTINE).filter(pl.col(TABLE) == USERS.name)
    assert {*bad[DETAIL].cast(pl.Int64)} == {*older["id_student"]}
    assert report["items"] == counts(0, 206, {})


MANIFEST = """
name = "mine"
score = "implicit"
catalogue = "online-courses"
[interactions]
files = ["log.csv"]
user = "user"
item = "course"
"""


def test_online_courses_are_a_catalogue_to_attach(data_root, tmp_path, ingest):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(data_root / "online-courses" / "Online_Courses.csv", source)
    course = "https://www.coursera.org/specializations/machine-learning-introduction"
    (source / "log.csv").write_text(f"user,course\n1,{course}\n")
    (tmp_path / "mine.toml").write_text(MANIFEST)
    report = ingest(tmp_path / "mine.toml", source)
    assert report["interactions"]["accepted"] == 1
    assert report["items"] == counts(2798, 5273, {"duplicate_id": 21})
    courses = rows(ITEMS)
    row = courses.filter(pl.col(ITEM_ID) == course).row(0, named=True)
    assert (row["Rating"], row["Number of viewers"], row["Category"]) == (4.9, 10_438.0, "Data Science")
    source = pl.read_csv(source / "Online_Courses.csv", infer_schema=False)
    without = source.filter(~pl.col("Duration").fill_null("").str.contains(r"\d"))
    assert courses["Duration"].null_count() == without["URL"].n_unique() > 0
    assert courses["Duration"].max() == timedelta(days=365.25) / timedelta(hours=1)
    assert rows(QUARANTINE)[REASON].unique().to_list() == ["duplicate_id"]
