"""The order of rows by their positions, arrival, file and place in it, compared with a plain sort."""

from datetime import datetime, timedelta

import polars as pl

from nightschool.columns import AVAILABLE_AT, INSTANT, ITEM_ID, POSITION, SOURCE_FILE, SOURCE_ROW, USER_ID
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.source_order import in_source_order, sequence_columns
from tests.data.logs import START

FILES = ["log-10.csv", "log-9.csv", "a.csv"]


def rows() -> pl.DataFrame:
    """Three rows of each file; `a.csv` arrived a day later; positions count backwards, and the last row has none."""
    places = [(file, row) for file in FILES for row in (1, 2, 3)]
    late = [START + timedelta(days=file == "a.csv") for file, _ in places]
    frame = pl.DataFrame(places, schema=[SOURCE_FILE, SOURCE_ROW], orient="row")
    return frame.with_columns(
        pl.Series(AVAILABLE_AT, late, INSTANT),
        pl.lit("u").alias(USER_ID),
        pl.format("{}:{}", SOURCE_FILE, SOURCE_ROW).alias(ITEM_ID),
        pl.Series(POSITION, [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 3.0, None]),
    ).sample(fraction=1, shuffle=True, seed=5)


def order(**part: str) -> list[str]:
    log = {"files": ["*.csv"], "user": "u", "item": "i", **part}
    manifest = Manifest.model_validate({"name": "x", "score": "implicit", "interactions": log})
    return in_source_order(rows().lazy(), sequence_columns(manifest), [ITEM_ID])[ITEM_ID].to_list()


def by(key) -> list[str]:
    found = sorted(rows().iter_rows(named=True), key=lambda row: (*key(row), row[SOURCE_ROW]))
    return [row[ITEM_ID] for row in found]


def number(row: dict[str, object]) -> int:
    return {"a.csv": 0, "log-9.csv": 9, "log-10.csv": 10}[str(row[SOURCE_FILE])]


def test_files_go_by_the_numbers_in_their_names() -> None:
    assert order() == by(lambda row: (number(row),))


def test_in_files_that_are_sequences_what_arrived_later_comes_later() -> None:
    assert order(order="file") == by(lambda row: (row[AVAILABLE_AT], number(row)))


def test_positions_come_first_and_equal_ones_keep_the_order_of_files() -> None:
    def key(row: dict[str, object]) -> tuple[float, datetime, int]:
        return (-1.0 if row[POSITION] is None else row[POSITION], row[AVAILABLE_AT], number(row))

    assert order(position="p") == by(key)
