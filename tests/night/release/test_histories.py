from dataclasses import replace

import polars as pl
from polars.testing import assert_frame_equal

from nightschool.columns import HISTORIES
from nightschool.contract import Dataset
from nightschool.night.release.histories import histories
from nightschool.storage.fingerprints import is_ascending


def test_every_pair_is_there_under_its_ids_dislikes_and_what_is_not_learned_from_too(dataset: Dataset) -> None:
    scores = pl.Series("score", [5.0, -10.0, 2.0], dtype=pl.Float32)
    given = replace(dataset, interactions=dataset.interactions.with_columns(scores), learned=scores.to_numpy() > 3)
    found = histories(given)
    assert found.rows() == [(10, 5, 2.0, None), (30, 5, -10.0, None), (30, 7, 5.0, None)]
    assert found.schema == HISTORIES.schema(user_id=pl.Int64(), item_id=pl.Int64())


def test_rows_are_in_the_order_of_the_key(dataset: Dataset) -> None:
    texts = replace(dataset, user_ids=dataset.user_ids.cast(pl.String), item_ids=pl.Series(["10", "9", "ø", "a"]))
    found = histories(texts)
    assert is_ascending(found, HISTORIES.key)
    assert found["item_id"].to_list() == ["9", "10", "9"]


def test_nobody_has_a_history_where_nothing_was_seen(dataset: Dataset) -> None:
    assert_frame_equal(
        histories(replace(dataset, interactions=dataset.interactions.clear())), histories(dataset).clear()
    )


def test_users_who_left_have_no_history_to_serve(dataset: Dataset) -> None:
    gone = replace(dataset, departed=dataset.user_ids.to_numpy() == 30)
    assert histories(gone)["user_id"].to_list() == [10]
