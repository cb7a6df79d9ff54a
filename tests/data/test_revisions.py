from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from nightschool.columns import (
    ALWAYS,
    AVAILABLE_AT,
    DELETED,
    EVENT_ID,
    INSTANT,
    ITEM_ID,
    RATING,
    REVISION,
    TITLE,
    UNTIL,
    USER_ID,
    WITHDRAWN,
)
from nightschool.data.revisions import events_at, known_at

START = datetime(2024, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def items(*rows: tuple[int, int, str | None, int | None, bool | None]) -> pl.LazyFrame:
    """Rows of id, day known, title, day of the end, withdrawn."""
    frame = pl.DataFrame(
        [(item, day(known), title, None if end is None else day(end), gone) for item, known, title, end, gone in rows],
        schema={ITEM_ID: pl.Int64, AVAILABLE_AT: INSTANT, TITLE: pl.String, UNTIL: INSTANT, WITHDRAWN: pl.Boolean},
        orient="row",
    )
    return frame.lazy()


def one_item(table: pl.LazyFrame, number: int) -> dict[str, Any]:
    """The only item that is known on a day, without its id."""
    return known_at(table, day(number), ITEM_ID).drop(ITEM_ID).collect().row(0, named=True)


def test_known_at_keeps_the_newest_row_of_each_id_available_since_its_first() -> None:
    roles = {USER_ID: [1, 2, 1, 1, 3], "role": ["new", "x", "old", "later", "unborn"]}
    table = pl.DataFrame(roles).with_columns(
        pl.Series(AVAILABLE_AT, [day(5), ALWAYS, day(1), day(9), day(7)], dtype=INSTANT),
        pl.lit(None, pl.Boolean).alias(WITHDRAWN),
    )
    known = known_at(table.lazy(), day(6), USER_ID).collect()
    assert sorted(known.select(USER_ID, "role", AVAILABLE_AT).rows()) == [(1, "new", day(1)), (2, "x", ALWAYS)]


def revisions(*rows: tuple[str | None, int, int, bool | None]) -> pl.LazyFrame:
    """Rows of event id, revision, day known, taken back; the place is the rating."""
    frame = pl.DataFrame(rows, schema=[EVENT_ID, REVISION, "day", DELETED], orient="row", infer_schema_length=None)
    times = pl.Series([day(number) for number in frame["day"]], dtype=INSTANT)
    return frame.drop("day").with_columns(times.alias(AVAILABLE_AT), pl.Series(RATING, range(len(rows)))).lazy()


def test_events_at_hides_what_came_later() -> None:
    assert events_at(revisions((None, 0, 1, None), (None, 0, 3, None)), day(2)).collect()[RATING].to_list() == [0]


def test_events_at_keeps_the_newest_known_revision_and_no_event_taken_back() -> None:
    log = revisions(
        ("a", 0, 1, False),
        ("b", 0, 1, False),
        (None, 0, 1, None),
        ("a", 1, 3, False),
        ("b", 1, 3, True),
        ("a", 2, 5, True),
        ("b", 2, 5, False),
    )
    seen = {number: events_at(log, day(number)).collect()[RATING].to_list() for number in (1, 3, 5)}
    assert seen == {1: [0, 1, 2], 3: [2, 3], 5: [2, 6]}


def test_a_withdrawn_item_keeps_its_newest_description_and_ends_when_it_was_withdrawn() -> None:
    table = items((7, 1, "old", None, None), (7, 2, "new", None, False), (7, 4, None, None, True))
    assert one_item(table, 3) == {AVAILABLE_AT: day(1), TITLE: "new", UNTIL: None, WITHDRAWN: False}
    assert one_item(table, 4) == {AVAILABLE_AT: day(1), TITLE: "new", UNTIL: day(4), WITHDRAWN: True}


def test_an_item_ends_at_the_earlier_of_its_until_and_its_withdrawal() -> None:
    table = items((7, 1, "x", 3, None), (7, 5, None, None, True))
    assert one_item(table, 2) == {AVAILABLE_AT: day(1), TITLE: "x", UNTIL: day(3), WITHDRAWN: False}
    assert one_item(table, 3)[WITHDRAWN]
    assert one_item(table, 5)[UNTIL] == day(3)
    assert one_item(items((7, 1, "x", 9, None), (7, 5, None, None, True)), 6)[UNTIL] == day(5)


def test_a_later_row_brings_an_item_back() -> None:
    table = items((7, 1, "x", None, None), (7, 3, None, None, True), (7, 5, "y", 8, None))
    assert one_item(table, 6) == {AVAILABLE_AT: day(1), TITLE: "y", UNTIL: day(8), WITHDRAWN: False}
    assert one_item(table, 8)[WITHDRAWN]


def test_an_item_of_which_only_the_withdrawal_is_known_has_no_description() -> None:
    assert one_item(items((7, 3, None, None, True)), 4) == {
        AVAILABLE_AT: day(3),
        TITLE: None,
        UNTIL: day(3),
        WITHDRAWN: True,
    }


def test_a_user_who_left_keeps_the_attributes_until_a_later_row() -> None:
    rows = [(1, day(1), "a", None), (1, day(3), None, True), (1, day(5), "b", None)]
    schema = {USER_ID: pl.Int64, AVAILABLE_AT: INSTANT, "role": pl.String, WITHDRAWN: pl.Boolean}
    table = pl.DataFrame(rows, schema=schema, orient="row").lazy()
    seen = [known_at(table, day(number), USER_ID).collect().row(0)[2:] for number in (2, 3, 5)]
    assert seen == [("a", False), ("a", True), ("b", False)]
