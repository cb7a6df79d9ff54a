from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.columns import (
    ALWAYS,
    AUDIENCE_RECOMMENDATIONS,
    AVAILABLE_AT,
    HISTORIES,
    INTERACTIONS,
    ITEMS,
    METRICS,
    NEXT_ITEMS,
    RECOMMENDATIONS,
    RELEASE_TABLES,
    SIMILAR_ITEMS,
    USERS,
    Table,
)
from nightschool.errors import NotFound
from nightschool.settings import HomePaths
from nightschool.storage.binding import Binding
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.release_reader import Reader, explain
from nightschool.storage.releases import Draft, Releases
from nightschool.storage.serving_files import write_serving_files

T = datetime(2025, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ADA, BOB, CLEO, DAN, EVE = 1, 2, 3, 4, 5
RELEASE = "2025-03-01-0badcafe"


def add(lake: Lake, table: Table, rows: list[dict[str, Any]]) -> None:
    """Rows of a table, with nulls where they say nothing."""
    schema = lake.schema(table)
    extra = {name: pl.String for row in rows for name in row if name not in schema}
    frame = pl.DataFrame(rows, schema={**schema, **extra})
    if table.released:
        lake.replace_release(table, rows[0]["release_id"], frame)
    else:
        lake.append(table, frame)


def listed(key: str, owner: object, items: list[int], **more: object) -> list[dict[str, Any]]:
    return [
        {"release_id": RELEASE, key: owner, "item_id": item, "rank": rank, "score": 1.0 / rank, **more}
        for rank, item in enumerate(items, start=1)
    ]


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    """Ada has a list; Bob (a student) and Cleo (a guest) are new; Dan has seen all of everyone's list."""
    paths = HomePaths(tmp_path / "home")
    binding = Binding(dataset="x", manifest="x", source_root=tmp_path, user_id="Int64", item_id="Int64")
    lake = Lake(paths.lake, binding.user_dtype, binding.item_dtype)
    titles = [(7, "Sets", ALWAYS), (8, "Maps", ALWAYS), (9, "Trees", ALWAYS), (7, "Sets, anew", T + DAY)]
    titles.append((8, "Maps II", T - DAY))
    add(lake, ITEMS, [{"item_id": i, "title": title, AVAILABLE_AT: at} for i, title, at in titles])
    roles = [(BOB, "guest", ALWAYS), (BOB, "student", T + DAY), (CLEO, "guest", ALWAYS), (DAN, "student", ALWAYS)]
    add(lake, USERS, [{"user_id": user, "role": role, AVAILABLE_AT: at} for user, role, at in roles])
    met = [(ADA, 9, T - 2 * DAY), (ADA, 8, T - DAY), (ADA, 7, T + DAY), *((DAN, i, T) for i in (7, 8, 9)), (EVE, 7, T)]
    add(
        lake,
        INTERACTIONS,
        [
            {"user_id": u, "item_id": i, "timestamp": at, AVAILABLE_AT: at, "source_file": "a", "source_row": row}
            for row, (u, i, at) in enumerate(met)
        ],
    )
    adas = listed("user_id", ADA, [7, 8], source="ease", reason="because_of_item", because_item_id=9)
    add(lake, RECOMMENDATIONS, adas)
    lists = [*listed("audience", "everyone", [7, 8, 9]), *listed("audience", "student", [9, 8])]
    add(lake, AUDIENCE_RECOMMENDATIONS, lists)
    pair = {"release_id": RELEASE, "item_id": 7}
    add(lake, SIMILAR_ITEMS, [{**pair, "neighbor_id": i, "rank": r, "score": 1 / r} for r, i in ((1, 9), (2, 8))])
    releases = Releases(lake, clock=lambda: T)
    for release_id in (RELEASE, "2025-03-02-empty"):
        releases.publish(Draft(release_id=release_id, as_of=T, run_key=release_id), releases.version())
    return Home(paths, binding, lake, releases)


@pytest.fixture(autouse=True)
def _whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases of this file have no row counts to be held against."""
    monkeypatch.setattr(Releases, "whole", Releases.get)


@pytest.fixture
def reader(opened: Home) -> Reader:
    return Reader.of(opened, RELEASE)


def test_current_release_is_read_unless_one_is_named(opened: Home) -> None:
    assert Reader.of(opened).release.release_id == "2025-03-02-empty"
    assert Reader.of(opened, RELEASE).release.release_id == RELEASE
    with pytest.raises(NotFound, match="no such release; saw 'nope'"):
        Reader.of(opened, "nope")


def test_nothing_is_read_before_the_first_night(tmp_path: Path, opened: Home) -> None:
    lake = Lake(tmp_path / "new", pl.Int64(), pl.Int64())
    with pytest.raises(NotFound, match="no release is published yet; run `nightschool retrain`"):
        Reader.of(Home(opened.paths, opened.binding, lake, Releases(lake)))


def test_table_holds_the_rows_of_its_release_only(opened: Home, reader: Reader) -> None:
    assert reader.table(RECOMMENDATIONS).collect()["item_id"].to_list() == [7, 8]
    assert "release_id" not in reader.table(RECOMMENDATIONS).collect_schema()
    assert Reader.of(opened).table(RECOMMENDATIONS).collect().is_empty()
    assert all("release_id" not in reader.table(table).collect_schema() for table in RELEASE_TABLES)
    assert reader.table(METRICS).collect().is_empty()


def test_list_of_a_known_user_comes_with_titles_and_reasons(reader: Reader) -> None:
    first, second = reader.user_list("1", 5, "role")
    assert first == {
        "rank": 1,
        "item_id": 7,
        "score": 1.0,
        "source": "ease",
        "reason": "because_of_item",
        "because_item_id": 9,
        "title": "Sets",
        "why": "because of Trees",
    }
    assert (second["rank"], second["item_id"]) == (2, 8)
    assert [row["item_id"] for row in reader.user_list("1", 1, "role")] == [7]


def test_titles_are_the_newest_that_were_known(reader: Reader) -> None:
    assert reader.titles([7, 8, 8, 404]) == {7: "Sets", 8: "Maps II"}
    assert reader.titles([]) == {}


def test_unknown_user_gets_the_list_of_their_newest_audience(reader: Reader) -> None:
    rows = reader.user_list("2", 5, "role")
    assert [(row["rank"], row["item_id"], row["title"]) for row in rows] == [(1, 9, "Trees"), (2, 8, "Maps II")]
    assert {(row["source"], row["reason"], row["why"]) for row in rows} == {
        ("audience", "audience", "popular with people like them")
    }
    assert [row["item_id"] for row in reader.user_list("2", 1, "role")] == [9]


@pytest.mark.parametrize(
    ("user", "attribute"),
    [("3", "role"), ("404", "role"), ("2", None)],
    ids=["too small an audience", "no such user", "no audiences"],
)
def test_everyone_else_gets_everyones_list(user: str, attribute: str | None, reader: Reader) -> None:
    rows = reader.user_list(user, 5, attribute)
    assert [row["item_id"] for row in rows] == [7, 8, 9]
    assert {(row["source"], row["why"]) for row in rows} == {("audience", "popular with everyone")}


def test_fallback_leaves_out_what_the_user_has_seen(reader: Reader) -> None:
    assert [(row["rank"], row["item_id"]) for row in reader.user_list("5", 2, "role")] == [(1, 8), (2, 9)]
    assert reader.user_list("4", 5, "role") == []


def test_a_user_who_left_gets_everyones_list_and_their_audiences_when_they_are_back(
    opened: Home, reader: Reader
) -> None:
    users = opened.lake.scan(USERS).filter(pl.col("user_id") == BOB).tail(1).collect()
    for days, gone in ((2, True), (3, None)):
        at = pl.lit(T + days * DAY).cast(users.schema[AVAILABLE_AT]).alias(AVAILABLE_AT)
        role = pl.lit(None if gone else "student", pl.String).alias("role")
        opened.lake.append(USERS, users.with_columns(at, role, pl.lit(gone, pl.Boolean).alias("withdrawn")))
        reason = "popular" if gone else "audience"
        assert {row["reason"] for row in reader.user_list(str(BOB), 5, "role")} == {reason}


def test_titles_of_what_was_withdrawn_are_still_known(opened: Home, reader: Reader) -> None:
    gone = opened.lake.scan(ITEMS).filter(pl.col("item_id") == 9).collect()
    at = pl.lit(T).cast(gone.schema[AVAILABLE_AT]).alias(AVAILABLE_AT)
    blank = [pl.lit(None, pl.String).alias(name) for name in ("title", "text")]
    opened.lake.append(ITEMS, gone.with_columns(at, *blank, pl.lit(value=True).alias("withdrawn")))
    assert reader.titles([9]) == {9: "Trees"}


def test_similar_items_come_with_titles(reader: Reader) -> None:
    rows = reader.similar_items("7", 5)
    assert [(row["rank"], row["item_id"], row["title"]) for row in rows] == [(1, 9, "Trees"), (2, 8, "Maps II")]
    assert len(reader.similar_items("7", 1)) == 1
    with pytest.raises(NotFound, match="no such item in the release; saw '8'"):
        reader.similar_items("8", 5)


def test_study_next_follows_the_newest_liked_item_of_the_served_history(opened: Home, reader: Reader) -> None:
    assert reader.study_next(str(ADA), 5) is None
    after = {"release_id": RELEASE, "item_id": 9}
    rows = [{**after, "neighbor_id": i, "rank": r, "support": 12 // r, "share": 0.5 / r} for r, i in ((1, 8), (2, 7))]
    add(opened.lake, NEXT_ITEMS, rows)
    assert reader.study_next(str(ADA), 5) is None
    served = pl.DataFrame(
        {"user_id": [ADA, ADA], "item_id": [8, 9], "score": [-1.0, 1.0], "timestamp": [T, T]},
        schema=opened.lake.schema(HISTORIES),
    )
    write_serving_files(opened.paths.serving, RELEASE, {HISTORIES.name: served.lazy()})
    assert reader.study_next(str(ADA), 5) == {
        "after": {"item_id": 9, "title": "Trees"},
        "items": [{"item_id": 7, "title": "Sets", "share": 0.25, "support": 6}],
    }
    assert reader.study_next(str(BOB), 5) is None


def test_history_is_what_was_known_newest_first(reader: Reader) -> None:
    rows = reader.history(ADA, 5)
    assert [(row["item_id"], row["title"]) for row in rows] == [(8, "Maps II"), (9, "Trees")]
    assert rows[0]["timestamp"] == T - DAY
    assert len(reader.history(ADA, 1)) == 1


def test_history_without_times_goes_by_arrival_and_file_and_is_older_than_events_with_a_time(opened: Home) -> None:
    rows = [(11, "log-10", 1, T), (12, "log-9", 1, T), (13, "log-9", 2, T), (14, "a", 1, T + DAY)]
    untimed = [
        {"user_id": CLEO, "item_id": item, AVAILABLE_AT: at - DAY, "source_file": file, "source_row": row}
        for item, file, row, at in rows
    ]
    sent = {"user_id": CLEO, "item_id": 15, "timestamp": T - 5 * DAY, AVAILABLE_AT: T, "source_file": "b"}
    add(opened.lake, INTERACTIONS, [*untimed, {**sent, "source_row": 1}])
    newest = Reader.of(opened, RELEASE).history(CLEO, 5)
    assert [row["item_id"] for row in newest] == [15, 14, 11, 13, 12]


@pytest.mark.parametrize(
    ("reason", "because", "why"),
    [
        ("because_of_item", 9, "because of Trees"),
        ("because_of_item", 8, "because of 8"),
        ("similar_content", 9, "similar to Trees"),
        ("popular", None, "popular with everyone"),
        ("audience", None, "popular with people like them"),
    ],
)
def test_reasons_in_words(reason: str, because: int | None, why: str) -> None:
    assert explain({"reason": reason, "because_item_id": because}, {9: "Trees", 8: ""}) == why
