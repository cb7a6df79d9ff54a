from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal, assert_series_equal

from nightschool.columns import (
    ALWAYS,
    AVAILABLE_AT,
    INSTANT,
    ITEM_ID,
    ITEM_INDEX,
    POSITION,
    RATING,
    RELEVANT,
    SCORE,
    SOURCE_FILE,
    SOURCE_ROW,
    TEXT,
    TIMESTAMP,
    TITLE,
    UNTIL,
    USER_ID,
    USER_INDEX,
    WITHDRAWN,
)
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import DataRefused
from nightschool.hashing import order_ids
from nightschool.item_columns import ItemColumns

START = datetime(2024, 1, 1, tzinfo=UTC)

MANIFEST = Manifest.model_validate(
    {
        "name": "tiny",
        "score": "rating",
        "relevant": {"rating_min": 4},
        "interactions": {
            "files": ["x"],
            "user": "u",
            "item": "i",
            "rating": {"column": "r", "min": 1, "max": 5},
        },
        "items": {"files": ["y"], "id": "i", "title": "t", "categories": ["genre"]},
        "users": {"files": ["z"], "id": "u", "attributes": ["role", "age"]},
    }
)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def interactions(*rows: tuple[Any, Any, float, int]) -> pl.DataFrame:
    """Rows of user, item, rating, day; the source row is the place."""
    frame = pl.DataFrame(rows, schema=[USER_ID, ITEM_ID, RATING, "day"], orient="row")
    times = pl.Series([day(number) for number in frame["day"]], dtype=INSTANT)
    return frame.drop("day").with_columns(
        pl.col(RATING).cast(pl.Float64),
        times.alias(TIMESTAMP),
        times.alias(AVAILABLE_AT),
        pl.lit("ratings").alias(SOURCE_FILE),
        pl.Series(SOURCE_ROW, range(len(rows)), dtype=pl.Int64),
    )


def users() -> pl.DataFrame:
    return pl.DataFrame({USER_ID: ["u1", "u2", "idle"], "role": ["a", "b", "a"], AVAILABLE_AT: [ALWAYS] * 3})


def items() -> pl.DataFrame:
    available = pl.Series([ALWAYS, day(3), day(9)], dtype=INSTANT)
    return pl.DataFrame({ITEM_ID: [10, 20, 30], TITLE: ["A", "B", "C"], "genre": ["x", "y", "x"]}).with_columns(
        pl.lit(None, pl.String).alias(TEXT), available.alias(AVAILABLE_AT)
    )


THREE = interactions(("u1", 10, 5, 1), ("u2", 10, 2, 2), ("u1", 20, 4, 5))


def log_of_three() -> EventLog:
    return build_event_log(users(), items(), THREE, MANIFEST)


def by_id(log: EventLog, frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Pairs with external ids, sorted."""
    named = frame.select(
        pl.Series("u", log.empty.user_ids[frame[USER_INDEX]]),
        pl.Series("i", log.empty.item_ids[frame[ITEM_INDEX]]),
        pl.exclude(USER_INDEX, ITEM_INDEX, POSITION),
    )
    return sorted(named.rows())


def test_unrated_pairs_are_seen_and_nothing_is_learned_from_them_or_held_out() -> None:
    part = MANIFEST.interactions[0]
    rating = part.rating.model_copy(update={"missing": (-1.0,)})
    manifest = MANIFEST.model_copy(update={"interactions": (part.model_copy(update={"rating": rating}),)})
    rows = interactions(("u1", 10, 5, 1), ("u2", 10, None, 2), ("u1", 20, 4, 5), ("u2", 20, None, 6), ("u2", 30, 3, 7))
    log = build_event_log(users(), items(), rows, manifest)
    dataset = log.dataset()
    named = by_id(log, dataset.interactions.with_columns(pl.Series("learned", dataset.learned)).drop(TIMESTAMP))
    assert named == [
        ("u1", 10, 5.0, True),
        ("u1", 20, 4.0, True),
        ("u2", 10, 0.0, False),
        ("u2", 20, 0.0, False),
        ("u2", 30, 3.0, True),
    ]
    assert dataset.set_aside is None
    first = np.arange(5) < 3
    split = log.split("test", "temporal", first, ~first, None)
    assert by_id(log, split.held_out.select(USER_INDEX, ITEM_INDEX, SCORE)) == [("u2", 30, 3.0)]


def test_everyone_and_everything_has_an_index_by_hash() -> None:
    empty = log_of_three().empty
    assert_series_equal(empty.user_ids, order_ids(pl.Series(USER_ID, ["u1", "u2", "idle"])))
    assert_series_equal(empty.item_ids, order_ids(pl.Series(ITEM_ID, [10, 20, 30])))
    assert (empty.n_users, empty.n_items, empty.interactions.height) == (3, 3, 0)
    assert dict(zip(empty.users[USER_ID], empty.users["role"], strict=True)) == {"u1": "a", "u2": "b", "idle": "a"}
    assert dict(zip(empty.items[ITEM_ID], empty.items[TITLE], strict=True)) == {10: "A", 20: "B", 30: "C"}
    assert AVAILABLE_AT not in empty.users.columns + empty.items.columns


def test_the_manifest_describes_the_dataset() -> None:
    empty = log_of_three().empty
    assert empty.item_columns == ItemColumns(categories=("genre",))
    assert empty.audience == "role"
    assert empty.score_range == (1, 5)


def test_events_keep_source_order_whatever_order_they_come_in() -> None:
    shuffled = build_event_log(users(), items(), THREE.reverse(), MANIFEST)
    assert_frame_equal(shuffled.events, log_of_three().events)
    assert shuffled.events[TIMESTAMP].to_list() == [day(1), day(2), day(5)]


def test_a_dataset_holds_the_masked_pairs_and_the_catalogue_of_its_instant() -> None:
    log = log_of_three()
    dataset = log.dataset(np.array([True, False, True]), day(4))
    assert by_id(log, dataset.interactions) == [("u1", 10, 5.0, day(1)), ("u1", 20, 4.0, day(5))]
    assert dataset.item_ids.filter(pl.Series(dataset.available)).sort().to_list() == [10, 20]
    assert dataset.interactions.schema[USER_INDEX] == pl.Int32
    assert log.dataset().available.all()
    assert log.dataset().scores().sum() == 11.0


def test_an_item_in_use_is_available_whatever_its_table_says() -> None:
    late = items().with_columns(pl.lit(day(30)).cast(INSTANT).alias(AVAILABLE_AT))
    log = build_event_log(users(), late, THREE, MANIFEST)
    available = dict(zip(log.empty.item_ids, log.available(day(5)), strict=True))
    assert available == {10: True, 20: True, 30: False}


def test_an_item_is_available_until_its_end() -> None:
    ends = pl.Series([day(6), None, day(9)], dtype=INSTANT)
    log = replace(build_event_log(users(), items().with_columns(ends.alias(UNTIL)), THREE, MANIFEST), as_of=day(7))
    ids = log.empty.item_ids

    def catalogue(at: datetime | None) -> list[int]:
        return ids.filter(pl.Series(log.available(at))).sort().to_list()

    assert [catalogue(day(number)) for number in (2, 4, 6, 9)] == [[10], [10, 20], [20], [20]]
    assert catalogue(None) == [20]
    over = log.dataset().ended
    assert over is not None
    assert ids.filter(pl.Series(over)).to_list() == [10]
    assert log.dataset(at=day(5)).ended is None
    assert ids.filter(pl.Series(replace(log, as_of=None).available(None))).to_list() == [20]


def test_users_who_left_are_marked_and_keep_their_events() -> None:
    gone = users().with_columns(pl.Series(WITHDRAWN, [False, True, None]))
    log = build_event_log(gone, items(), THREE, MANIFEST)
    departed = log.dataset().departed
    assert departed is not None
    assert log.empty.user_ids.filter(pl.Series(departed)).to_list() == ["u2"]
    assert WITHDRAWN not in log.empty.users.columns
    assert log.dataset().interactions.height == 3
    assert log_of_three().dataset().departed is None


def test_an_item_outside_a_declared_catalogue_is_never_available() -> None:
    log = build_event_log(users(), items().filter(pl.col(ITEM_ID) != 20), THREE, MANIFEST)
    assert log.empty.item_ids.filter(pl.Series(log.available(None))).sort().to_list() == [10, 30]
    assert log.dataset().interactions.height == 3


def test_undeclared_tables_are_read_from_the_interactions() -> None:
    log = build_event_log(None, None, THREE, MANIFEST)
    assert log.empty.user_ids.sort().to_list() == ["u1", "u2"]
    assert log.empty.items.columns == [ITEM_ID, TITLE, TEXT]
    assert (log.empty.audience, log.empty.item_columns) == (None, ItemColumns())
    assert log.empty.item_ids.filter(pl.Series(log.available(day(4)))).to_list() == [10]


def test_items_of_untimed_events_are_always_available() -> None:
    untimed = THREE.with_columns(pl.lit(None, INSTANT).alias(TIMESTAMP))
    log = build_event_log(None, None, untimed, MANIFEST)
    assert log.available(START).all()
    assert not log.has_time


def test_held_out_pairs_are_new_and_merged() -> None:
    rows = interactions(("u1", 10, 5, 1), ("u1", 10, 3, 4), ("u1", 20, 2, 5), ("u1", 20, 4, 6), ("u2", 20, 1, 6))
    log = build_event_log(users(), items(), rows, MANIFEST)
    first = np.array([True, False, False, False, False])
    split = log.split("test", "by-hand", first, ~first, day(3))
    assert by_id(log, split.held_out) == [("u1", 20, 4.0, day(6), True), ("u2", 20, 1.0, day(6), False)]
    assert by_id(log, split.fitted.interactions) == [("u1", 10, 5.0, day(1))]
    assert split.held_out.columns == [USER_INDEX, ITEM_INDEX, SCORE, TIMESTAMP, RELEVANT]
    assert (split.name, split.protocol) == ("test", "by-hand")


def test_a_split_without_an_instant_has_what_ended_among_its_candidates() -> None:
    ends = pl.Series([day(6), None, None], dtype=INSTANT)
    log = replace(build_event_log(users(), items().with_columns(ends.alias(UNTIL)), THREE, MANIFEST), as_of=day(7))
    first = np.array([True, False, False])
    catalogues = [
        log.empty.item_ids.filter(pl.Series(log.split("test", "by-hand", first, ~first, at).fitted.available)).sort()
        for at in (None, day(2), day(6))
    ]
    assert [found.to_list() for found in catalogues] == [[10, 20], [10], [20]]


def test_the_given_test_is_indexed_but_never_learned_from() -> None:
    log = build_event_log(users(), items(), THREE, MANIFEST, held_out=interactions(("new", 40, 5, 8)))
    assert log.n_given == 1
    assert log.known.tolist() == [True, True, True, False]
    assert log.dataset().interactions.height == 3
    assert not log.available(None)[log.empty.item_ids.to_list().index(40)]
    assert build_event_log(None, None, THREE, MANIFEST, held_out=THREE).available(None).all()


def test_every_pair_can_be_made_a_hit() -> None:
    log = log_of_three()
    assert log.events[RELEVANT].to_list() == [True, False, True]
    assert log.with_all_relevant().events[RELEVANT].to_list() == [True, True, True]


def test_nothing_known_is_refused() -> None:
    with pytest.raises(DataRefused, match="No interactions are known"):
        build_event_log(users(), items(), THREE.clear(), MANIFEST)


def test_save_and_load_give_the_same_log(tmp_path: Path) -> None:
    ends = items().with_columns(pl.Series(UNTIL, [day(6), None, None], dtype=INSTANT))
    gone = users().with_columns(pl.Series(WITHDRAWN, [False, True, False]))
    log = build_event_log(gone, ends, THREE, MANIFEST, held_out=interactions(("new", 40, 5, 8)))
    log = replace(log, as_of=day(7))
    log.save(tmp_path / "log")
    loaded = EventLog.load(tmp_path / "log")
    assert_frame_equal(loaded.events, log.events)
    assert_frame_equal(loaded.empty.users, log.empty.users)
    assert_frame_equal(loaded.empty.items, log.empty.items)
    assert_series_equal(loaded.item_available_at, log.item_available_at)
    assert_series_equal(loaded.item_until, log.item_until)
    assert (loaded.signal, loaded.n_given, loaded.as_of) == (log.signal, 1, day(7))
    np.testing.assert_array_equal(loaded.empty.departed, log.empty.departed)
    np.testing.assert_array_equal(loaded.available(None), log.available(None))
    mine, theirs = log.empty, loaded.empty
    assert (mine.item_columns, mine.audience, mine.score_range) == (
        theirs.item_columns,
        theirs.audience,
        theirs.score_range,
    )
    np.testing.assert_array_equal(loaded.empty.available, log.empty.available)
    np.testing.assert_array_equal(loaded.dataset(None, day(4)).available, log.dataset(None, day(4)).available)


@given(
    st.lists(
        st.tuples(st.text(max_size=3), st.integers(-5, 5), st.integers(1, 5), st.integers(0, 9)),
        min_size=1,
        max_size=20,
    )
)
def test_ids_round_trip(rows: list[tuple[str, int, int, int]]) -> None:
    log = build_event_log(None, None, interactions(*rows), MANIFEST)
    seen = list(
        zip(log.empty.user_ids[log.events[USER_INDEX]], log.empty.item_ids[log.events[ITEM_INDEX]], strict=True)
    )
    assert seen == [(user, item) for user, item, _, _ in rows]
    assert log.empty.user_ids.n_unique() == log.empty.n_users
