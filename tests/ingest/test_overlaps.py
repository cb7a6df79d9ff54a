from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.columns import INTERACTIONS, SOURCE_FILE, SOURCE_ROW, TIMESTAMP
from nightschool.errors import DataRefused
from nightschool.ingest.overlaps import find_overlap

START = datetime(2025, 1, 1, tzinfo=UTC)
SCHEMA = INTERACTIONS.schema(user_id=pl.Int64(), item_id=pl.Int64())


def rows(file: str, *events: tuple[int, int, int | None], rating: float = 4.0) -> pl.DataFrame:
    """Rows of user, item and minute; no time where the minute is None."""
    values = [
        {
            "user_id": user,
            "item_id": item,
            TIMESTAMP: None if minute is None else START + timedelta(minutes=minute),
            "rating": rating,
            SOURCE_FILE: file,
            SOURCE_ROW: number,
        }
        for number, (user, item, minute) in enumerate(events, start=1)
    ]
    return pl.DataFrame(values, schema=SCHEMA)


def overlap(new: pl.DataFrame, *known: pl.DataFrame) -> list[bool]:
    found = find_overlap(new, [frame.lazy() for frame in known], "new")
    found.require_consistent("new")
    return found.known.to_list()


A = [(1, 7, 0), (2, 7, 1), (3, 7, 2)]


def test_rows_of_no_known_file_are_new():
    assert overlap(rows("new", *A), rows("old", (9, 9, 0))) == [False] * 3


def test_of_equal_rows_as_many_are_known_as_the_known_file_holds():
    assert overlap(rows("new", A[0], A[0], A[0], A[1], A[2]), rows("old", A[0], A[0], A[1])) == [
        True,
        True,
        False,
        True,
        False,
    ]


def test_half_is_not_enough():
    assert overlap(rows("new", A[0], (8, 8, 9)), rows("old", *A)) == [False, False]


def test_rows_that_two_known_files_hold_together_are_known():
    assert overlap(rows("new", *A), rows("one", A[0]), rows("two", A[1], A[2])) == [True] * 3


def test_pairs_without_a_time_may_repeat_from_file_to_file():
    pairs = [(1, 7, None), (2, 7, None), (3, 7, None), (4, 7, None)]
    others = [rows(f"old-{n}", pair, *((n, k, None) for k in range(20, 40))) for n, pair in enumerate(pairs)]
    assert overlap(rows("new", *pairs), *others) == [False] * 4
    assert overlap(rows("new", *pairs), rows("old", *pairs)) == [True] * 4


def test_ids_speak_for_themselves():
    with_id = rows("new", *A).with_columns(event_id=pl.lit("e"))
    assert overlap(with_id, rows("old", *A)) == [False] * 3


def test_another_content_at_the_same_time_is_a_change():
    with pytest.raises(DataRefused, match=r"new was delivered before as old, and differs; saw '3 of its 3 rows have"):
        overlap(rows("new", *A, rating=1.0), rows("old", *A))


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 30)), min_size=1, max_size=30))
def test_a_file_that_comes_again_in_any_order_is_known_whole(events):
    assert all(overlap(rows("new", *reversed(events)), rows("old", *events)))


@given(st.integers(1, 30), st.integers(1, 30))
def test_a_window_that_moves_on_is_never_in_conflict(width, step):
    log = [(n % 5, n % 7, n) for n in range(100)]
    known = overlap(rows("new", *log[step : step + width]), rows("old", *log[:width]))
    shared = max(width - step, 0)
    assert known == [True] * shared + [False] * (width - shared) if 2 * shared > width else not any(known)
