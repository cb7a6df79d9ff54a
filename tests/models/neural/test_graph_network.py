import numpy as np
import pytest
from scipy.sparse import csr_array

from models.neural.graph_network import GraphNetwork
from models.neural.propagation import LikeGraph, sums_of_layers

RNG = np.random.default_rng(0)
LIKES = csr_array((RNG.random((30, 9)) < 0.4).astype(np.float32))
ITEMS = RNG.standard_normal((9, 4)).astype(np.float32)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_user_folded_in_has_the_scores_of_a_user_of_the_graph(number: int) -> None:
    layers = LikeGraph.of(LIKES).layers(ITEMS, number)
    users, items = sums_of_layers(layers)
    expected = users @ items.T / (number + 1) ** 2
    network = GraphNetwork.of(layers, np.bincount(LIKES.indices, minlength=9))
    np.testing.assert_allclose(network.score(LIKES), expected, atol=1e-5)


def test_without_likes_all_scores_are_equal() -> None:
    network = GraphNetwork.of(LikeGraph.of(LIKES).layers(ITEMS, 2), np.bincount(LIKES.indices, minlength=9))
    assert not network.score(csr_array((1, 9), dtype=np.float32)).any()
