import numpy as np
import pytest
from scipy.sparse import csr_array

from nightschool.errors import ConfigurationError
from nightschool.histories import Histories
from nightschool.ranking.self_attention import SelfAttention

WIDTH, HIDDEN, BLOCKS, HEADS, LENGTH = 6, 12, 2, 2, 4
ITEMS = np.array([2, -1, 0, 1, 4, 3], dtype=np.int32)
"""Nothing was learned of the second item."""


def network(seed: int = 0) -> SelfAttention:
    rng = np.random.default_rng(seed)

    def normal(*size: int) -> np.ndarray:
        return rng.standard_normal(size).astype(np.float32)

    return SelfAttention(
        items=ITEMS,
        vectors=normal(5, WIDTH),
        distances=normal(BLOCKS, HEADS, LENGTH),
        norms=normal(2 * BLOCKS + 1, 2, WIDTH),
        attention=normal(BLOCKS, 4, WIDTH, WIDTH),
        inner=normal(BLOCKS, WIDTH + 1, HIDDEN),
        outer=normal(BLOCKS, HIDDEN + 1, WIDTH),
    )


def histories(*rows: list[int], n_items: int = len(ITEMS)) -> Histories:
    """Each row names its items, oldest first."""
    pairs = [(user, item, len(row) - 1 - place) for user, row in enumerate(rows) for place, item in enumerate(row)]
    pairs.sort()
    bounds = np.cumsum([0, *map(len, rows)])
    scores = (np.ones(len(pairs), np.float32), np.array([item for _, item, _ in pairs], np.int32), bounds)
    places = np.array([place for _, _, place in pairs], dtype=np.int32)
    return Histories(csr_array(scores, shape=(len(rows), n_items)), places)


def norm(vector: np.ndarray, scale_and_shift: np.ndarray) -> np.ndarray:
    return (vector - vector.mean()) / np.sqrt(vector.var() + 1e-5) * scale_and_shift[0] + scale_and_shift[1]


def state_by_loops(found: SelfAttention, rows: list[int]) -> np.ndarray:
    """The state after the last of the rows, place by place and head by head."""
    states = [found.vectors[row].astype(np.float64) * WIDTH**0.5 for row in rows]
    for block in range(BLOCKS):
        queries, keys, values, output = found.attention[block].astype(np.float64)
        normed = [norm(state, found.norms[2 * block]) for state in states]
        after = []
        for place, state in enumerate(states):
            mixed = np.zeros(WIDTH)
            for head in range(HEADS):
                part = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
                logits = [
                    (normed[place] @ queries)[part] @ (normed[other] @ keys)[part] / (WIDTH / HEADS) ** 0.5
                    + found.distances[block, head, place - other]
                    for other in range(place + 1)
                ]
                shares = np.exp(logits - np.max(logits)) / np.exp(logits - np.max(logits)).sum()
                mixed[part] = sum(share * (normed[other] @ values)[part] for other, share in enumerate(shares))
            moved = state + mixed @ output
            inner, outer = found.inner[block], found.outer[block]
            hidden = np.maximum(norm(moved, found.norms[2 * block + 1]) @ inner[:-1] + inner[-1], 0)
            after.append(moved + hidden @ outer[:-1] + outer[-1])
        states = after
    return norm(states[-1], found.norms[2 * BLOCKS])


def test_scores_are_those_of_plain_loops() -> None:
    found = network()
    rows = ([0], [0, 2], [5, 4, 3], [3, 0, 2, 5])
    scores = found.score(histories(*rows))
    learned = np.flatnonzero(ITEMS >= 0)
    for row, own in zip(rows, scores, strict=True):
        expected = found.vectors[ITEMS[learned]] @ state_by_loops(found, ITEMS[row].tolist())
        np.testing.assert_allclose(own[learned], expected, rtol=1e-4, atol=1e-5)
        assert own[1] == own[learned].min()


def test_only_the_newest_items_of_which_something_was_learned_count() -> None:
    found = network()
    longer, plain = found.score(histories([4, 1, 3, 0, 2, 5], [3, 0, 2, 5]))
    np.testing.assert_array_equal(longer, plain)


def test_a_history_scores_alone_as_among_others() -> None:
    found, rows = network(), ([0], [5, 4, 3], [3, 0, 2, 5])
    together = found.score(histories(*rows))
    for row, own in zip(rows, together, strict=True):
        np.testing.assert_allclose(found.score(histories(row))[0], own, atol=1e-5)


def test_a_history_without_learned_likes_gets_zeros() -> None:
    scores = network().score(histories([], [1], [0]))
    assert not scores[:2].any()
    assert scores[2].any()


def test_dislikes_do_not_count() -> None:
    found, both = network(), histories([3, 0, 2])
    both.scores.data[both.scores.indices == 0] = -1
    np.testing.assert_allclose(found.score(both), found.score(histories([3, 2])), atol=1e-6)


def test_a_history_without_order_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs the order"):
        network().score(Histories(histories([0]).scores))
