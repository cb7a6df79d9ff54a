import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.evaluation.catalog import CATALOG, FromHits
from nightschool.evaluation.metrics import (
    auc,
    coverage,
    gini_of_shown,
    mean_over_list,
    popularity_of,
    ratio,
    self_information,
    times_shown,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its providers' imports warn; what we compare with is their arithmetic
    import ir_measures

LIST_METRICS = {m.name: m.per_user.measure for m in CATALOG if isinstance(m.per_user, FromHits)}
"""The metrics of hits alone."""


def hits(*rows: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Lists written as 1 for a hit and 0 for a miss."""
    return np.array([[place == "1" for place in row] for row in rows])


@pytest.mark.parametrize(
    ("metric", "k", "expected"),
    [
        ("precision", 2, [0.5, 0.0]),
        ("precision", 5, [2 / 5, 1 / 5]),
        ("recall", 4, [2 / 3, 1.0]),
        ("ndcg", 4, [(1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3) + 1 / 2), 1 / math.log2(5)]),
        ("ndcg", 1, [1.0, 0.0]),
        ("map", 4, [(1 + 2 / 3) / 3, 1 / 4]),
        ("map", 2, [1 / 2, 0.0]),
        ("mrr", 4, [1.0, 1 / 4]),
        ("mrr", 3, [1.0, 0.0]),
        ("hit_rate", 3, [1.0, 0.0]),
    ],
)
def test_metrics_by_hand(metric: str, k: int, expected: list[float]) -> None:
    seen = LIST_METRICS[metric](hits("1010", "0001"), np.array([3, 1]), k)
    assert seen.dtype == np.float64
    np.testing.assert_allclose(seen, expected, rtol=0, atol=1e-12)


CASES = st.integers(1, 12).flatmap(
    lambda depth: st.tuples(
        st.lists(st.booleans(), min_size=depth, max_size=depth), st.integers(0, 5), st.integers(1, depth)
    )
)


@given(CASES)
def test_metrics_equal_plain_loops_and_stay_in_range(case: tuple[list[bool], int, int]) -> None:
    row, missed, k = case
    n_relevant = max(1, sum(row) + missed)
    gains = sum(1 / math.log2(place + 2) for place in range(k) if row[place])
    ideal = sum(1 / math.log2(place + 2) for place in range(min(k, n_relevant)))
    precisions = [sum(row[: place + 1]) / (place + 1) for place in range(k) if row[place]]
    expected = {
        "precision": sum(row[:k]) / k,
        "recall": sum(row[:k]) / n_relevant,
        "ndcg": gains / ideal,
        "map": sum(precisions) / min(k, n_relevant),
        "mrr": next((1 / (place + 1) for place in range(k) if row[place]), 0.0),
        "hit_rate": float(any(row[:k])),
    }
    assert set(expected) == set(LIST_METRICS)
    for name, metric in LIST_METRICS.items():
        value = metric(np.array([row]), np.array([n_relevant]), k)[0]
        assert value == pytest.approx(expected[name], abs=1e-12)
        assert 0 <= value <= 1 + 1e-12


def test_metrics_equal_ir_measures() -> None:
    rng = np.random.default_rng(3)
    n, n_items, depth = 60, 40, 20
    lists = np.argsort(rng.random((n, n_items)), axis=1)[:, :depth]
    relevant = rng.random((n, n_items)) < 0.15
    relevant[:, 0] = True
    n_relevant = relevant.sum(axis=1)
    found = np.take_along_axis(relevant, lists, axis=1)
    judged = [ir_measures.Qrel(str(u), str(i), 1) for u, i in zip(*np.nonzero(relevant), strict=True)]
    run = [ir_measures.ScoredDoc(str(u), str(i), float(-place)) for u in range(n) for place, i in enumerate(lists[u])]
    for k in (5, 10, 20):
        theirs = {
            "precision": ir_measures.P @ k,
            "recall": ir_measures.R @ k,
            "ndcg": ir_measures.nDCG @ k,
            "map": ir_measures.AP @ k,
            "mrr": ir_measures.RR @ k,
            "hit_rate": ir_measures.Success @ k,
        }
        for name, measure in theirs.items():
            values = {int(m.query_id): m.value for m in ir_measures.iter_calc([measure], judged, run)}
            expected = np.array([values[user] for user in range(n)])
            if name == "map":  # theirs divides by all relevant items, ours by as many as fit the list
                expected = expected * n_relevant / np.minimum(k, n_relevant)
            np.testing.assert_allclose(LIST_METRICS[name](found, n_relevant, k), expected, rtol=0, atol=1e-9)


def plain_auc(scores: list[float], relevant: list[bool], candidates: list[bool]) -> float:
    items = range(len(scores))
    wins = [
        1.0 if scores[p] > scores[n] else 0.5 if scores[p] == scores[n] else 0.0
        for p in items
        for n in items
        if candidates[p] and candidates[n] and relevant[p] and not relevant[n]
    ]
    return sum(wins) / len(wins) if wins else math.nan


ITEMS = 6


@given(
    st.lists(
        st.tuples(
            *(
                st.lists(part, min_size=ITEMS, max_size=ITEMS)
                for part in (st.integers(0, 3), st.booleans(), st.booleans())
            )
        ),
        min_size=1,
        max_size=4,
    )
)
def test_auc_equals_counting_all_comparisons(rows: list[tuple[list[int], list[bool], list[bool]]]) -> None:
    scores = np.array([row[0] for row in rows], dtype=np.float32)
    relevant, candidates = (np.array([row[part] for row in rows]) for part in (1, 2))
    expected = [plain_auc([float(s) for s in row[0]], row[1], row[2]) for row in rows]
    np.testing.assert_allclose(auc(scores, relevant, candidates), expected, atol=1e-12)


def test_novelty_and_popularity_of_a_list() -> None:
    popularity = popularity_of(np.array([4, 1, 0]), 4)
    assert popularity.tolist() == [1.0, 0.25, 0.25]
    lists = np.array([[0, 1], [2, -1], [-1, -1]], dtype=np.int32)
    assert mean_over_list(self_information(popularity), lists, 2).tolist()[:2] == [1.0, 2.0]
    assert mean_over_list(popularity, lists, 1).tolist()[:2] == [1.0, 0.25]
    assert np.isnan(mean_over_list(popularity, lists, 2)[2])


def test_coverage_counts_distinct_items_of_the_catalogue() -> None:
    lists = np.array([[0, 1], [0, -1]], dtype=np.int32)
    available = np.array([True, True, True, True, False])
    assert coverage(times_shown(lists, 5, 2), available) == 0.5
    assert coverage(times_shown(lists, 5, 1), available) == 0.25
    assert math.isnan(coverage(times_shown(lists, 5, 2), np.zeros(5, dtype=bool)))


def test_gini_is_zero_for_even_lists_and_high_for_one_item() -> None:
    available = np.ones(4, dtype=bool)
    assert gini_of_shown(times_shown(np.array([[0, 1, 2, 3]], dtype=np.int32), 4, 4), available) == 0.0
    assert gini_of_shown(times_shown(np.array([[2], [2]], dtype=np.int32), 4, 1), available) == 0.75
    assert math.isnan(gini_of_shown(times_shown(np.array([[-1]], dtype=np.int32), 4, 1), available))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_gini_equals_the_mean_absolute_difference(shown: list[int]) -> None:
    counts = np.bincount(shown, minlength=4)
    differences = np.abs(counts[:, None] - counts[None, :]).sum()
    expected = differences / (2 * 4 * counts.sum())
    lists = np.array([[item] for item in shown], dtype=np.int32)
    assert gini_of_shown(times_shown(lists, 4, 1), np.ones(4, dtype=bool)) == pytest.approx(expected)


def test_a_ratio_over_nothing_is_not_a_number() -> None:
    np.testing.assert_array_equal(ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])), [0.5, np.nan])
