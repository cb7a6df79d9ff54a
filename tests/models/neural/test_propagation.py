import numpy as np
from scipy.sparse import csr_array

from models.neural.propagation import LikeGraph, Sides, sum_neighbours, sums_of_layers

N_USERS, N_ITEMS, WIDTH = 1100, 7, 3
RNG = np.random.default_rng(0)
LIKES = csr_array((RNG.random((N_USERS, N_ITEMS)) < 0.4).astype(np.float32))
ITEMS = RNG.standard_normal((N_ITEMS, WIDTH)).astype(np.float32)


def normalised() -> np.ndarray:
    dense = LIKES.toarray().astype(np.float64)
    return dense / np.sqrt(np.maximum(dense.sum(1), 1))[:, None] / np.sqrt(np.maximum(dense.sum(0), 1))


def test_layers_are_products_with_the_normalised_likes_in_turn() -> None:
    expected = [ITEMS.astype(np.float64)]
    for layer in range(4):
        expected.append((normalised().T if layer % 2 else normalised()) @ expected[-1])
    found = LikeGraph.of(LIKES).layers(ITEMS, 4)
    assert [len(layer) for layer in found] == [N_ITEMS, N_USERS, N_ITEMS, N_USERS, N_ITEMS]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    sums = sums_of_layers(found)
    np.testing.assert_allclose(sums.items, expected[0] + expected[2] + expected[4], atol=1e-5)
    np.testing.assert_allclose(sums.users, expected[1] + expected[3], atol=1e-5)


def test_slopes_are_those_of_any_linear_function_of_the_sums() -> None:
    graph = LikeGraph.of(LIKES)
    by_sums = Sides(*(RNG.standard_normal((n, WIDTH)).astype(np.float32) for n in (N_USERS, N_ITEMS)))

    def value(items: np.ndarray, number: int) -> float:
        sums = sums_of_layers(graph.layers(items, number))
        return float(sum((one * other).sum() for one, other in zip(sums, by_sums, strict=True)))

    for number in (1, 2, 3):
        slopes = graph.slopes(by_sums, number)
        for place in np.ndindex(N_ITEMS, WIDTH):
            step = np.zeros_like(ITEMS)
            step[place] = 1
            # The function is linear: a whole step shows its slope.
            np.testing.assert_allclose(slopes[place], value(step, number), rtol=1e-3, atol=1e-3)


def test_sums_over_neighbours_are_the_product_and_a_row_without_any_is_zero() -> None:
    graph = LikeGraph.of(csr_array(np.array([[1, 1, 0], [0, 0, 0]], dtype=np.float32)))
    vectors = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32)
    expected = np.array([[4, 6], [0, 0]]) / np.sqrt(2)
    np.testing.assert_allclose(sum_neighbours(graph.by_user, vectors), expected, rtol=1e-6)
