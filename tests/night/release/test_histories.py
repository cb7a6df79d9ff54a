from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
from polars.testing import assert_frame_equal

from nightschool.columns import HISTORIES, INSTANT, POSITION
from nightschool.contract import Dataset
from nightschool.night.release.histories import histories


def test_every_pair_is_there_under_its_ids_dislikes_and_what_is_not_learned_from_too(dataset: Dataset) -> None:
    scores = pl.Series("score", [5.0, -10.0, 2.0], dtype=pl.Float32)
    given = replace(dataset, interactions=dataset.interactions.with_columns(scores), learned=scores.to_numpy() > 3)
    found = histories(given)
    assert found.rows() == [(10, 5, 2.0, None), (30, 5, -10.0, None), (30, 7, 5.0, None)]
    assert found.schema == HISTORIES.schema(user_id=pl.Int64(), item_id=pl.Int64())


def test_a_user_without_an_order_has_items_in_the_order_of_their_ids(dataset: Dataset) -> None:
    texts = replace(dataset, user_ids=dataset.user_ids.cast(pl.String), item_ids=pl.Series(["10", "9", "ø", "a"]))
    found = histories(texts)
    assert found.select(HISTORIES.key).rows() == [("10", "9"), ("30", "10"), ("30", "9")]


def test_the_newest_comes_first_by_time_and_by_place_in_the_source(dataset: Dataset) -> None:
    days = pl.Series([datetime(2026, 1, day, tzinfo=UTC) for day in (2, 2, 1)], dtype=INSTANT)
    for places, ordered in ([(1, 2, 0), (5, 7)], [(2, 1, 0), (7, 5)]):
        pairs = dataset.interactions.with_columns(pl.Series(POSITION, places, dtype=pl.Int32))
        by_file = replace(dataset, interactions=pairs, ordered=True)
        by_time = replace(dataset, interactions=pairs.with_columns(timestamp=days))
        for given in (by_file, by_time):
            assert histories(given).filter(user_id=30)["item_id"].to_list() == list(ordered)


def test_nobody_has_a_history_where_nothing_was_seen(dataset: Dataset) -> None:
    assert_frame_equal(
        histories(replace(dataset, interactions=dataset.interactions.clear())), histories(dataset).clear()
    )


def test_users_who_left_have_no_history_to_serve(dataset: Dataset) -> None:
    gone = replace(dataset, departed=dataset.user_ids.to_numpy() == 30)
    assert histories(gone)["user_id"].to_list() == [10]
