from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from nightschool.columns import INSTANT, POSITION, SCORE, TIMESTAMP
from nightschool.data.sequences import placed_likes
from nightschool.testing.datasets import make_dataset

PAIRS = [(0, 0, 1.0), (0, 1, 1.0), (0, 2, -1.0), (0, 3, 1.0), (1, 0, 1.0)]


def test_likes_come_by_user_and_time_without_dislikes_and_what_has_no_time() -> None:
    dataset = make_dataset(PAIRS, 2, 4)
    days = pl.Series([datetime(2026, 1, day, tzinfo=UTC) for day in (9, 2, 5, 1, 3)], dtype=INSTANT)
    pairs = dataset.interactions.with_columns(days.alias(TIMESTAMP))
    timed = replace(dataset, interactions=pairs)
    assert placed_likes(timed).select("user_index", "item_index").rows() == [(0, 3), (0, 1), (0, 0), (1, 0)]
    blank = pairs.with_columns(pl.when(pl.col("item_index") == 0).then(None).otherwise(TIMESTAMP).alias(TIMESTAMP))
    assert placed_likes(replace(dataset, interactions=blank))["item_index"].to_list() == [3, 1]


def test_the_order_of_the_source_gives_places_without_times() -> None:
    dataset = make_dataset(PAIRS, 2, 4)
    bare = dataset.interactions.with_columns(
        pl.lit(None, INSTANT).alias(TIMESTAMP), pl.Series(POSITION, [4, 3, 2, 1, 0], dtype=pl.Int32)
    )
    assert placed_likes(replace(dataset, interactions=bare)).is_empty()
    ordered = placed_likes(replace(dataset, interactions=bare, ordered=True))
    assert ordered["item_index"].to_list() == [3, 1, 0, 0]
    assert (ordered[SCORE] > 0).all()
