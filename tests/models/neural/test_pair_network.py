import numpy as np
import pytest
from scipy.sparse import csr_array

from models.neural import pair_network
from models.neural.layers import drawn_layer
from models.neural.pair_network import PairNetwork

FACTORS, WIDTH, N_ITEMS = 3, 4, 6
RNG = np.random.default_rng(0)
NETWORK = PairNetwork(
    history=RNG.standard_normal((N_ITEMS, FACTORS + WIDTH)).astype(np.float32),
    vectors=RNG.standard_normal((N_ITEMS, FACTORS + WIDTH)).astype(np.float32),
    inner=drawn_layer(RNG, 2 * WIDTH, WIDTH) + np.float32(0.1),
    outer=drawn_layer(RNG, WIDTH, WIDTH // 2) - np.float32(0.1),
    output=RNG.standard_normal(FACTORS + WIDTH // 2).astype(np.float32),
)
LIKES = csr_array(np.array([[1, 0, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]], dtype=np.float32))


def by_hand(likes: np.ndarray, item: int) -> float:
    user = likes @ NETWORK.history / np.sqrt(max(likes.sum(), 1))
    product = user[:FACTORS] * NETWORK.vectors[item, :FACTORS]
    both = np.concatenate([user[FACTORS:], NETWORK.vectors[item, FACTORS:], [1.0]])
    hidden = np.maximum(both @ NETWORK.inner, 0)
    hidden = np.maximum(np.append(hidden, 1.0) @ NETWORK.outer, 0)
    return float(np.concatenate([product, hidden]) @ NETWORK.output)


@pytest.mark.parametrize("units", [1, 1 << 22])
def test_scores_are_those_of_both_branches_in_blocks_of_any_size(units: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_network, "_UNITS", units)
    expected = [[by_hand(own, item) for item in range(N_ITEMS)] for own in LIKES.toarray()]
    np.testing.assert_allclose(NETWORK.score(LIKES), expected, rtol=1e-4, atol=1e-5)
