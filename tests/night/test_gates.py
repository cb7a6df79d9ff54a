from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nightschool.errors import GateRefused
from nightschool.night.gates import Gate, require, table_gates

GOOD = pl.DataFrame(
    {
        "user_id": [30, 10, 10, 20, 20],
        "item_id": [9, 7, 9, 5, 7],
        "rank": pl.Series([1, 1, 2, 1, 2], dtype=pl.Int32),
        "score": pl.Series([1.0, 2.0, 1.0, 3.0, 3.0], dtype=pl.Float32),
    }
)


def failed(lists, dataset, k=2, floor=0.1):
    return {gate.name for gate in table_gates(lists, dataset, k=k, coverage_floor=floor) if not gate.passed}


def changed(row, **values):
    columns = [
        pl.when(pl.int_range(pl.len()) == row).then(pl.lit(value, GOOD[name].dtype)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    ]
    return GOOD.with_columns(columns)


def test_whole_lists_pass(dataset):
    assert failed(GOOD, dataset) == set()


@pytest.mark.parametrize(
    ("lists", "gate"),
    [
        (changed(1, score=None), "null values"),
        (changed(1, score=float("nan")), "not finite scores"),
        (changed(1, score=float("inf")), "not finite scores"),
        (changed(2, item_id=7), "repeated items in a list"),
        (changed(2, rank=3), "ranks out of order"),
        (changed(2, score=2.5), "ranks out of order"),
        (changed(0, user_id=99), "users not known"),
        (changed(0, item_id=99), "items not available"),
        (changed(0, item_id=1), "items not available"),
        (changed(1, item_id=5), "items the user has seen"),
        (GOOD.slice(1), "users with a list of the wrong length"),
        (GOOD.head(4), "users with a list of the wrong length"),
        (pl.concat([GOOD, GOOD.tail(1)]), "repeated items in a list"),
        (GOOD.clear(), "users with a list of the wrong length"),
        (GOOD.clear(), "catalogue coverage"),
    ],
)
def test_every_defect_is_blocked_by_its_gate(lists, gate, dataset):
    assert gate in failed(lists, dataset)


def test_a_user_who_has_seen_everything_needs_no_list(dataset):
    pairs = pl.DataFrame(
        {"user_index": [0, 0, 0], "item_index": [0, 1, 2], "score": [1.0, 1.0, 1.0]},
        schema_overrides={"user_index": pl.Int32, "item_index": pl.Int32, "score": pl.Float32},
    )
    everything = replace(dataset, interactions=pairs)
    lists = GOOD.filter(pl.col("user_id") != 30)
    assert failed(lists, everything) == set()


def test_refusal_names_the_gates_that_said_no():
    with pytest.raises(GateRefused, match=r"coverage \(saw 0.1, demanded 0.5\)"):
        require([Gate("null values", True, "0", "0"), Gate("coverage", False, "0.1", "0.5")])


def test_lists_that_show_too_little_of_the_catalogue_are_refused(dataset):
    assert failed(GOOD, dataset, floor=1.0) == set()
    everyones = GOOD.filter(pl.col("item_id") != 5)
    assert "catalogue coverage" in failed(everyones, dataset, floor=1.0)


def test_a_list_with_an_item_that_ended_is_refused(dataset):
    ended = replace(
        dataset, available=np.array([True, True, False, False]), ended=np.array([False, False, True, False])
    )
    assert "items not available" in failed(GOOD, ended)
    # Item 9 has ended: only 5 and 7 are left, of which user 30 has seen both and user 10 has seen 5.
    left = GOOD.filter(pl.col("item_id") != 9)
    assert failed(left, ended) == set()


def test_a_user_who_left_must_have_no_list(dataset):
    gone = replace(dataset, departed=dataset.user_ids.to_numpy() == 20)
    assert failed(GOOD, gone) == {"users with a list of the wrong length"}
    assert failed(GOOD.filter(pl.col("user_id") != 20), gone) == set()
