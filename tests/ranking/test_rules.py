"""Lists under rules, against a greedy search written out loop by loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from nightschool.ranking.rules import ListRules, keep_order, pick

ITEMS = np.arange(6, dtype=np.int32)
SCORES = np.array([5, 4, 3, 2, 1, 0], dtype=np.float32)
KINDS = np.array([0, 0, 0, 1, 1, -1], dtype=np.int32)
LABELS = csr_array(np.eye(2, dtype=np.float32)[[0, 0, 0, 1, 1, 1]])


def test_without_rules_the_best_are_the_best() -> None:
    assert pick(ITEMS, SCORES, 3, ListRules(0.0, LABELS, KINDS)).tolist() == [0, 1, 2]


def test_what_may_not_be_shown_is_never_picked() -> None:
    scores = np.array([5, -np.inf, 3, 2, 1, -np.inf], dtype=np.float32)
    for mix in (ListRules(0.0, LABELS, KINDS), ListRules(0.5, LABELS, KINDS), ListRules(0.0, LABELS, KINDS, quota=9)):
        assert sorted(pick(ITEMS, scores, 10, mix).tolist()) == [0, 2, 3, 4]


def test_a_quota_holds_for_each_kind_and_not_for_items_of_none() -> None:
    assert pick(ITEMS, SCORES, 6, ListRules(0.0, LABELS, KINDS, quota=1)).tolist() == [0, 3, 5]
    assert pick(ITEMS, SCORES, 6, ListRules(0.0, LABELS, KINDS, quota=2)).tolist() == [0, 1, 3, 4, 5]


def test_diversity_puts_the_unlike_forward() -> None:
    assert pick(ITEMS, SCORES, 2, ListRules(0.5, LABELS, KINDS)).tolist() == [0, 3]
    assert pick(ITEMS, SCORES, 3, ListRules(0.1, LABELS, KINDS)).tolist() == [0, 1, 2]


@given(st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=12), st.floats(0, 1), st.integers(1, 14))
def test_it_equals_a_greedy_search_over_pairs(scores: list[float], diversity: float, k: int) -> None:
    given_scores = np.sort(np.array(scores, dtype=np.float32))[::-1]
    n = len(given_scores)
    labels = csr_array(np.eye(3, dtype=np.float32)[np.arange(n) % 3])
    mix = ListRules(diversity, labels, np.full(n, -1, dtype=np.int32))
    picked = pick(np.arange(n, dtype=np.int32), given_scores, k, mix).tolist()
    assert picked == greedy(given_scores, diversity, k)


def greedy(scores: np.ndarray, diversity: float, k: int) -> list[int]:
    low, high = scores.min(), scores.max()
    relevance = ((scores - low) / max(high - low, 1e-9)).astype(np.float32)
    picked: list[int] = []
    while len(picked) < min(k, len(scores)):
        values = {}
        for place in set(range(len(scores))) - set(picked):
            nearest = np.float32(max((float(place % 3 == other % 3) for other in picked), default=0))
            values[place] = (1 - diversity) * relevance[place] - diversity * nearest
        picked.append(min(values, key=lambda place: (-values[place], place)))
    return picked


def test_scores_are_dealt_out_by_the_order_of_a_list() -> None:
    scores = np.array([0.5, 3, 1, 2], dtype=np.float32)
    assert keep_order(scores, [2, 0]).tolist() == [2, 1, 3, 0.5]


@pytest.mark.parametrize("first", [[], [1, 3, 2, 0]])
def test_an_order_that_is_there_already_changes_nothing(first: list[int]) -> None:
    scores = np.array([0.5, 3, 1, 2], dtype=np.float32)
    assert keep_order(scores, first).tolist() == scores.tolist()
