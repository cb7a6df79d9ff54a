from datetime import UTC, datetime

import polars as pl
import pytest

from nightschool.columns import INTERACTIONS, QUARANTINE, USERS
from nightschool.data.manifest.manifest import load_manifest
from nightschool.storage.lake import Lake
from nightschool.storage.quarantine.table import (
    RETRIED,
    count_reasons,
    known_as,
    own_columns,
    quarantined,
    repairable,
    settle,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = [
    ("interactions", "log.csv", 3, "bad_rating", "nine"),
    ("interactions", "log.csv", 5, "bad_rating", None),
    ("interactions", "log.csv", 6, "unknown_user", "8"),
    ("interactions", "new.csv", 3, "unknown_user", None),
    ("users", "users.csv", 1, "missing_user", None),
]


def put_aside(lake: Lake, *rows: tuple) -> None:
    kept = [(*row, "{}", NOW) for row in rows]
    lake.append(QUARANTINE, pl.DataFrame(kept, schema=lake.schema(QUARANTINE), orient="row"))


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake", pl.Int64(), pl.Int64())
    put_aside(lake, *ROWS)
    return lake


def take_in(lake: Lake, file: str, row: int) -> None:
    values = {"user_id": [1], "item_id": [1], "source_file": [file], "source_row": [row]}
    schema = lake.schema(INTERACTIONS)
    lake.append(INTERACTIONS, pl.concat([schema.to_frame(), pl.DataFrame(values)], how="diagonal"))


def places(lake: Lake) -> list[tuple]:
    return lake.scan(QUARANTINE).sort("source_file", "source_row").select("source_file", "source_row").collect().rows()


def test_rows_are_counted_by_table_file_and_reason_with_an_example(lake):
    assert count_reasons(quarantined(lake)).rows() == [
        ("interactions", "log.csv", "bad_rating", 2, "nine"),
        ("interactions", "log.csv", "unknown_user", 1, "8"),
        ("interactions", "new.csv", "unknown_user", 1, None),
        ("users", "users.csv", "missing_user", 1, None),
    ]


def test_rows_can_be_chosen_by_reason_and_file(lake):
    assert count_reasons(quarantined(lake, "unknown_user"))["rows"].sum() == 2
    assert count_reasons(quarantined(lake, "unknown_user", "new.csv"))["rows"].sum() == 1
    assert count_reasons(quarantined(lake, file="log.csv"))["rows"].sum() == 3
    assert count_reasons(quarantined(lake, "no such reason")).is_empty()


def test_rows_that_were_not_kept_cannot_be_repaired(lake):
    forgotten = lake.scan(QUARANTINE).collect().with_columns(source_file=pl.lit("f.csv"), row=pl.lit(None, pl.String))
    lake.append(QUARANTINE, forgotten)
    assert set(repairable(quarantined(lake))["source_file"]) == {"log.csv", "new.csv", "users.csv"}
    assert count_reasons(quarantined(lake))["rows"].sum() == 10


def test_home_without_quarantine_has_nothing_put_aside(tmp_path):
    empty = Lake(tmp_path / "empty", pl.Int64(), pl.Int64())
    assert count_reasons(quarantined(empty)).is_empty()
    settle(empty)
    assert not empty.exists(QUARANTINE)


def test_own_columns_are_those_that_the_manifest_reads():
    columns = own_columns(load_manifest("movielens-100k"))
    assert columns[:4] == ("user", "item", "rating", "time")
    assert {"title", "occupation", "line"} < {*columns}
    assert len(set(columns)) == len(columns)


def test_rows_that_no_retry_took_in_stay(lake):
    version = lake.version(QUARANTINE)
    take_in(lake, "log.csv", 3)
    settle(lake)
    assert lake.version(QUARANTINE) == version


def test_rows_that_a_retry_took_in_leave_and_others_wait(lake):
    put_aside(lake, *(("interactions", "late.csv", row, RETRIED, None) for row in (1, 2)))
    take_in(lake, "late.csv", 1)
    take_in(lake, "log.csv", 2)
    settle(lake)
    assert places(lake) == [
        ("late.csv", 2),
        ("log.csv", 3),
        ("log.csv", 5),
        ("log.csv", 6),
        ("new.csv", 3),
        ("users.csv", 1),
    ]


def test_users_are_known_by_their_id_and_instant(lake):
    people = pl.DataFrame({"user_id": [7, 7], "available_at": [NOW, NOW.replace(year=2027)]})
    people = people.cast(dict(lake.schema(USERS)))
    lake.append(USERS, people.head(1))
    put_aside(
        lake,
        *(
            ("users", "late.csv", row, RETRIED, name)
            for row, name in enumerate(people.select(known_as("user_id")).to_series())
        ),
    )
    settle(lake)
    assert ("late.csv", 0) not in places(lake)
    assert ("late.csv", 1) in places(lake)
