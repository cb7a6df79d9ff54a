"""Each gate of the lists has lists that pass and lists that break it alone; so has each gate of the models."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from nightschool.contract import Dataset
from nightschool.errors import GateRefused
from nightschool.night.gates import (
    TABLE_GATES,
    Gate,
    ProposedLists,
    ask_table_gates,
    require,
)

GOOD = pl.DataFrame(
    {
        "user_id": [30, 10, 10, 20, 20],
        "item_id": [9, 7, 9, 5, 7],
        "rank": pl.Series([1, 1, 2, 1, 2], dtype=pl.Int32),
        "score": pl.Series([1.0, 2.0, 1.0, 3.0, 3.0], dtype=pl.Float32),
    }
)


def changed(row: int, **values: Any) -> pl.DataFrame:
    columns = [
        pl.when(pl.int_range(pl.len()) == row).then(pl.lit(value, GOOD[name].dtype)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    ]
    return GOOD.with_columns(columns)


def failed(lists: pl.DataFrame, dataset: Dataset, **asked: Any) -> set[str]:
    proposed = ProposedLists(**{"lists": lists, "dataset": dataset, "k": 2, "coverage_floor": 0.1, **asked})
    return {gate.name for gate in ask_table_gates(proposed) if not gate.passed}


class Case(NamedTuple):
    """What breaks one gate alone, and what passes every gate when asked the same."""

    breaks: Mapping[str, Any]
    passes: Mapping[str, Any] = {"lists": GOOD}


CASES = {
    "null values": Case({"lists": changed(1, score=None)}),
    "not finite scores": Case({"lists": changed(1, score=float("nan"))}),
    "repeated items in a list": Case({"lists": changed(2, item_id=7)}),
    "ranks out of order": Case({"lists": changed(2, rank=3)}),
    "users not known": Case({"lists": pl.concat([GOOD, changed(0, user_id=99).head(1)])}),
    "items not available": Case({"lists": changed(0, item_id=1)}),
    "items the user has seen": Case({"lists": changed(1, item_id=5)}),
    "users with a list of the wrong length": Case({"lists": GOOD.head(4)}),
    "catalogue coverage": Case(
        {"lists": changed(3, item_id=9), "coverage_floor": 1.0}, {"lists": GOOD, "coverage_floor": 1.0}
    ),
    "lists that changed without new events": Case(
        {"lists": GOOD, "changed": 0.5, "churn_ceiling": 0.4}, {"lists": GOOD, "changed": 0.4, "churn_ceiling": 0.4}
    ),
    "figures outside of their limits": Case({"lists": GOOD, "shifts": ["gini@10 of the lists is 0.9"]}),
    "expectations broken": Case({"lists": GOOD, "broken_rules": ["bad_rank"]}),
}


def test_every_gate_of_the_lists_has_its_two_frames() -> None:
    assert set(CASES) == {gate.name for gate in TABLE_GATES}
    assert len(TABLE_GATES) == len(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_gate_passes_good_lists_and_it_alone_blocks_those_that_break_it(name: str, dataset: Dataset) -> None:
    assert failed(dataset=dataset, **CASES[name].passes) == set()
    assert failed(dataset=dataset, **CASES[name].breaks) == {name}


@pytest.mark.parametrize(
    ("lists", "gate"),
    [
        (changed(1, score=float("inf")), "not finite scores"),
        (changed(2, score=2.5), "ranks out of order"),
        (changed(0, user_id=99), "users not known"),
        (changed(0, item_id=99), "items not available"),
        (GOOD.slice(1), "users with a list of the wrong length"),
        (pl.concat([GOOD, GOOD.tail(1)]), "repeated items in a list"),
        (GOOD.clear(), "users with a list of the wrong length"),
        (GOOD.clear(), "catalogue coverage"),
    ],
)
def test_further_defects_are_blocked(lists: pl.DataFrame, gate: str, dataset: Dataset) -> None:
    assert gate in failed(lists, dataset)


def test_a_user_who_has_seen_everything_needs_no_list(dataset: Dataset) -> None:
    pairs = pl.DataFrame(
        {"user_index": [0, 0, 0], "item_index": [0, 1, 2], "score": [1.0, 1.0, 1.0]},
        schema_overrides={"user_index": pl.Int32, "item_index": pl.Int32, "score": pl.Float32},
    )
    everything = replace(dataset, interactions=pairs)
    lists = GOOD.filter(pl.col("user_id") != 30)
    assert failed(lists, everything) == set()


def test_refusal_names_the_gates_that_failed() -> None:
    with pytest.raises(GateRefused, match=r"coverage \(saw 0.1, demanded 0.5\)"):
        require([Gate("null values", True, "0", "0"), Gate("coverage", False, "0.1", "0.5")])


def test_broken_data_rules_are_named(dataset: Dataset) -> None:
    answers = ask_table_gates(ProposedLists(GOOD, dataset, 2, 0.1, broken_rules=["bad_rank", "bad_score"]))
    assert Gate("expectations broken", False, "bad_rank, bad_score", "none") in answers


def test_a_list_with_an_item_that_ended_is_refused(dataset: Dataset) -> None:
    ended = replace(
        dataset, available=np.array([True, True, False, False]), ended=np.array([False, False, True, False])
    )
    assert "items not available" in failed(GOOD, ended)
    # Item 9 has ended: only 5 and 7 are left, of which user 30 has seen both and user 10 has seen 5.
    left = GOOD.filter(pl.col("item_id") != 9)
    assert failed(left, ended) == set()


def test_a_user_who_left_must_have_no_list(dataset: Dataset) -> None:
    gone = replace(dataset, departed=dataset.user_ids.to_numpy() == 20)
    assert failed(GOOD, gone) == {"users with a list of the wrong length"}
    assert failed(GOOD.filter(pl.col("user_id") != 20), gone) == set()
