from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from nightschool.errors import ConfigurationError
from nightschool.histories import Histories, positive
from nightschool.ranking.explain import can_explain, contributions_of, strongest_reasons, weighted
from nightschool.ranking.foldin import ItemWeights, fold_in


def slow(items: np.ndarray, history: np.ndarray, weights: list[np.ndarray], scales: np.ndarray) -> np.ndarray:
    told = np.full(items.shape, -1, dtype=np.int32)
    for row in range(items.shape[0]):
        for place, item in enumerate(items[row]):
            if item < 0:
                continue
            strengths = history[row] * sum(
                scale[row] * each[:, item] for scale, each in zip(scales, weights, strict=True)
            )
            if strengths.max() > 0:
                told[row, place] = int(strengths.argmax())
    return told


def floats(rows):
    return np.array(rows, dtype=np.float32)


def histories_of(rows) -> Histories:
    return Histories(csr_array(floats(rows)))


def test_the_strongest_history_item_is_named_and_ties_go_to_the_lowest():
    histories = histories_of([[1, 1, 1, 0], [0, 0, 1, 0]])
    weights = csr_array(floats([[0, 0, 0, 2], [0, 0, 0, 2], [0, 0, 0, 1], [0, 0, 0, 0]]))
    items = np.array([[3, 0], [3, -1]], dtype=np.int32)
    found = weighted(ItemWeights(weights), histories, items)
    told = strongest_reasons(items, histories, [found], np.ones((1, 2), dtype=np.float32))
    assert told.because.tolist() == [[0, -1], [2, -1]]
    assert told.component.tolist() == [[0, -1], [0, -1]]


def test_the_component_that_counts_most_decides_and_is_named():
    histories = histories_of([[1, 1, -1, 0]])
    items = np.array([[3]], dtype=np.int32)
    found = [floats([[2], [1]]), floats([[0], [1]])]
    by_first = strongest_reasons(items, histories, found, floats([[1], [0.5]]))
    assert (by_first.because.item(), by_first.component.item()) == (0, 0)
    by_second = strongest_reasons(items, histories, found, floats([[1], [3]]))
    assert (by_second.because.item(), by_second.component.item()) == (1, 1)
    assert strongest_reasons(items, histories, [], np.zeros((0, 1), dtype=np.float32)).because.item() == -1


@given(st.integers(0, 10_000))
def test_it_agrees_with_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    n_rows, n_items, k = rng.integers(1, 5), rng.integers(2, 8), rng.integers(1, 4)
    history = (rng.random((n_rows, n_items)) < 0.4).astype(np.float32)
    weights = [
        (rng.integers(-2, 3, (n_items, n_items)) * (rng.random((n_items, n_items)) < 0.6)).astype(np.float32)
        for _ in range(2)
    ]
    items = np.stack([rng.permutation(n_items)[: min(k, n_items)] for _ in range(n_rows)]).astype(np.int32)
    items[rng.random(items.shape) < 0.2] = -1
    scales = rng.integers(0, 3, (2, n_rows)).astype(np.float32)
    histories = histories_of(history)
    found = [weighted(ItemWeights(csr_array(each)), histories, items) for each in weights]
    told = strongest_reasons(items, histories, found, scales)
    assert told.because.tolist() == slow(items, history, weights, scales).tolist()


def test_what_only_folds_in_is_asked_again_without_each_of_the_newest_likes():
    rng = np.random.default_rng(3)
    weights = csr_array(rng.random((30, 30)).astype(np.float32))
    scores = csr_array((rng.integers(-1, 3, (4, 30)) * (rng.random((4, 30)) < 0.6)).astype(np.float32))
    places = np.concatenate([rng.permutation(n) for n in np.diff(scores.indptr)]).astype(np.int32)
    histories = Histories(scores, places)
    model = SimpleNamespace(fold_in=lambda some: fold_in(positive(some.scores), weights))
    items = np.array([[1, 2], [3, 4], [5, -1], [6, 7]], dtype=np.int32)
    found = contributions_of(model, histories, items)
    whole = weighted(ItemWeights(weights), histories, items)
    liked = scores.data > 0
    rows = np.repeat(np.arange(4), np.diff(scores.indptr))[liked]
    newest = [sum(places[liked][rows == row] < place) < 8 for row, place in zip(rows, places[liked], strict=True)]
    assert not all(newest)
    real = items[rows] >= 0
    np.testing.assert_allclose(found[real], np.where(np.array(newest)[:, None], whole, 0)[real], atol=1e-5)


def test_a_model_that_knows_only_its_own_users_cannot_tell():
    assert not can_explain(object())
    with pytest.raises(ConfigurationError, match="cannot tell"):
        contributions_of(object(), histories_of([[1.0]]), np.array([[0]], dtype=np.int32))
