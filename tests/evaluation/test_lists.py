import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from nightschool.evaluation.lists import (
    SMOOTHING,
    diversity_at,
    find_hits,
    miscalibration_at,
    popular_places,
    serendipity_at,
)

N_USERS, N_ITEMS, DEPTH = 5, 9, 4
CUTOFFS = (1, 2, 4)
USERS = np.arange(N_USERS, dtype=np.int32)


def lists_of(rng: np.random.Generator) -> np.ndarray:
    """Random lists, some of them short."""
    items = np.argsort(rng.random((N_USERS, N_ITEMS)), axis=1)[:, :DEPTH].astype(np.int32)
    lengths = rng.integers(0, DEPTH + 1, N_USERS)
    items[np.arange(DEPTH) >= lengths[:, None]] = -1
    return items


def rows_summing_to_one(rng: np.random.Generator, n: int, n_columns: int) -> np.ndarray:
    weights = rng.random((n, n_columns)) * (rng.random((n, n_columns)) < 0.5)
    return np.divide(weights, weights.sum(axis=1, keepdims=True), out=weights, where=weights.any(axis=1, keepdims=True))


def test_hits_are_the_relevant_items_of_the_lists_own_user() -> None:
    relevant = csr_array(np.array([[0, 1, 0], [1, 0, 1]], dtype=bool))
    items = np.array([[1, 0, 2], [2, 0, -1], [1, 2, -1]], dtype=np.int32)
    found = find_hits(items, np.array([0, 1, 0], dtype=np.int32), relevant)
    assert found.tolist() == [[True, False, False], [True, True, False], [True, False, False]]


@given(st.integers(0, 1000))
def test_hits_equal_looking_each_item_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items, relevant = lists_of(rng), rng.random((N_USERS, N_ITEMS)) < 0.3
    expected = [[item >= 0 and bool(relevant[user, item]) for item in items[user]] for user in USERS]
    assert find_hits(items, USERS, csr_array(relevant)).tolist() == expected


def test_diversity_by_hand() -> None:
    # 0 and 1 are the same, 2 shares nothing with them, 3 is half-way, nothing is said of 4.
    features = csr_array(np.array([[1, 0], [1, 0], [0, 1], [0.6, 0.8], [0, 0]], dtype=np.float32))
    items = np.array([[0, 1, 2], [0, 3, -1], [0, 4, 2], [4, 0, -1], [-1, -1, -1]], dtype=np.int32)
    found = diversity_at(items, features, (2, 3))
    np.testing.assert_allclose(found[2], [0, 0.4, np.nan, np.nan, np.nan], atol=1e-7)
    np.testing.assert_allclose(found[3], [2 / 3, 0.4, 1, np.nan, np.nan], atol=1e-7)


@given(st.integers(0, 1000))
def test_diversity_equals_a_loop_over_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = lists_of(rng)
    features = rng.random((N_ITEMS, 6)) * (rng.random((N_ITEMS, 6)) < 0.4)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    features = np.divide(features, lengths, out=features, where=lengths > 0).astype(np.float32)
    found = diversity_at(items, csr_array(features), CUTOFFS)
    for k in CUTOFFS:
        for row in USERS:
            told = [item for item in items[row, :k] if item >= 0 and features[item].any()]
            pairs = [float(features[a] @ features[b]) for n, a in enumerate(told) for b in told[:n]]
            expected = 1 - sum(pairs) / len(pairs) if pairs else math.nan
            assert found[k][row] == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_serendipity_leaves_out_what_popularity_shows_anyway() -> None:
    # By popularity: 2, 0, 1; item 3 is not available. The first user has seen 2, the second nothing.
    order = np.array([1, 2, 0, 4], dtype=np.int32)
    history = csr_array(np.array([[0, 0, 1, 1], [0, 0, 0, 0]], dtype=np.float32))
    items = np.array([[0, 1], [1, 0]], dtype=np.int32)
    hits = np.array([[True, True], [True, False]])
    expected = popular_places(hits, items, np.array([0, 1], dtype=np.int32), history, order)
    assert expected.tolist() == [[0, 1], [2, -1]]
    found = serendipity_at(hits, expected, (1, 2))
    assert found[1].tolist() == [0.0, 1.0]
    assert found[2].tolist() == [0.0, 0.5]


@given(st.integers(0, 1000))
def test_serendipity_equals_comparing_with_the_list_of_popularity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items, seen = lists_of(rng), rng.random((N_USERS, N_ITEMS)) < 0.4
    hits = (rng.random(items.shape) < 0.6) & (items >= 0) & ~seen[USERS[:, None], items]
    order = rng.permutation(N_ITEMS).astype(np.int32)
    places = popular_places(hits, items, USERS, csr_array(seen.astype(np.float32)), order)
    found = serendipity_at(hits, places, CUTOFFS)
    for k in CUTOFFS:
        for row in USERS:
            popular = [item for item in np.argsort(order) if not seen[row, item]][:k]
            surprises = [item for item, hit in zip(items[row, :k], hits[row, :k], strict=True) if hit]
            assert found[k][row] == len([item for item in surprises if item not in popular]) / k


def test_miscalibration_by_hand() -> None:
    labels = csr_array(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.0, 0.0]]))
    tastes = csr_array(np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 0.0]]))
    items = np.array([[0, 1], [1, 3], [0, 1], [3, -1]], dtype=np.int32)
    found = miscalibration_at(items, np.array([0, 1, 2, 0], dtype=np.int32), tastes, labels, (1, 2))
    one_sided = 0.5 * math.log(0.5 / (0.99 + 0.005)) + 0.5 * math.log(0.5 / 0.005)
    np.testing.assert_allclose(found[1], [one_sided, math.log(1 / SMOOTHING), np.nan, np.nan])
    np.testing.assert_allclose(found[2], [0.0, math.log(1 / SMOOTHING), np.nan, np.nan], atol=1e-12)


@given(st.integers(0, 1000))
def test_miscalibration_equals_its_formula(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = lists_of(rng)
    labels, tastes = rows_summing_to_one(rng, N_ITEMS, 3), rows_summing_to_one(rng, N_USERS, 3)
    found = miscalibration_at(items, USERS, csr_array(tastes), csr_array(labels), CUTOFFS)
    for k in CUTOFFS:
        for row in USERS:
            told = [labels[item] for item in items[row, :k] if item >= 0 and labels[item].any()]
            expected = math.nan
            if told and tastes[row].any():
                mixed = 0.99 * np.mean(told, axis=0) + 0.01 * tastes[row]
                expected = sum(p * math.log(p / q) for p, q in zip(tastes[row], mixed, strict=True) if p)
            assert found[k][row] == pytest.approx(expected, abs=1e-9, nan_ok=True)
            assert not found[k][row] < -1e-12
