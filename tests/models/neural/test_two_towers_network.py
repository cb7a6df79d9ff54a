import numpy as np
from scipy.sparse import csr_array

from models.neural.two_towers_network import TwoTowers, described_items

RNG = np.random.default_rng(0)
N_ITEMS, WIDTH, HIDDEN = 9, 4, 6


def drawn(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


NETWORK = TwoTowers(drawn(N_ITEMS, 2 * WIDTH + 2), drawn(WIDTH + 2, HIDDEN), drawn(HIDDEN + 1, WIDTH))
LIKES = csr_array((RNG.random((5, N_ITEMS)) < 0.5).astype(np.float32))


def by_hand(liked: list[int], known: np.ndarray) -> np.ndarray:
    vectors, biases, said, weights = np.split(NETWORK.items, [WIDTH, WIDTH + 1, 2 * WIDTH + 1], axis=1)
    weights = np.exp(weights[liked])
    pooled = (weights * said[liked]).sum(axis=0) / np.sqrt(max(weights.sum(), 1e-6)) + known
    hidden = np.append(pooled, [np.log(1 + len(liked)), 1]) @ NETWORK.inner
    user = pooled + np.append(np.maximum(hidden, 0), 1) @ NETWORK.outer
    return vectors @ user + biases[:, 0]


def test_scores_are_those_of_the_formula() -> None:
    known = drawn(5, WIDTH)
    found = NETWORK.score(LIKES, known)
    for row in range(5):
        expected = by_hand(LIKES[[row]].indices.tolist(), known[row])
        np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-4)
    assert np.array_equal(NETWORK.score(LIKES), NETWORK.score(LIKES, np.zeros_like(known)))


def test_without_likes_a_user_is_scored_by_what_else_is_known() -> None:
    nothing = csr_array((1, N_ITEMS), dtype=np.float32)
    known = drawn(1, WIDTH)
    np.testing.assert_allclose(NETWORK.score(nothing, known)[0], by_hand([], known[0]), rtol=1e-4, atol=1e-4)


def test_an_item_that_was_not_learned_is_what_is_said_of_it() -> None:
    arrays = {"content": drawn(4, HIDDEN), "described": drawn(HIDDEN + 1, 10), "ids": drawn(2, 10)}
    descriptions = np.repeat(drawn(1, 3), 3, axis=0)
    found = described_items(arrays, descriptions, np.array([True, False, True]))
    np.testing.assert_allclose(found[[0, 2]] - found[1], arrays["ids"], atol=1e-5)
    hidden = np.maximum(np.append(descriptions[0], 1) @ arrays["content"], 0)
    np.testing.assert_allclose(found[1], np.append(hidden, 1) @ arrays["described"], rtol=1e-4, atol=1e-4)
