import numpy as np
from scipy.sparse import csr_array

from models.neural.code_network import CodeNetwork
from models.neural.layers import drawn_layer

N_ITEMS, HIDDEN, CODE = 6, 4, 2
RNG = np.random.default_rng(0)
NETWORK = CodeNetwork(
    encoder=drawn_layer(RNG, N_ITEMS, HIDDEN) + np.float32(0.1),
    code=drawn_layer(RNG, HIDDEN, CODE) + np.float32(0.2),
    output=drawn_layer(RNG, CODE, N_ITEMS).T.copy() - np.float32(0.2),
)


def test_scores_are_those_of_the_layers_one_after_the_other() -> None:
    likes = np.array([[1, 0, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0]], dtype=np.float32)
    found = NETWORK.score(csr_array(likes))
    for own, scores in zip(likes, found, strict=True):
        units = np.append(own / np.sqrt(max(own.sum(), 1)), 1)
        hidden = np.append(np.tanh(units @ NETWORK.encoder), 1)
        code = np.append(hidden @ NETWORK.code, 1)
        np.testing.assert_allclose(scores, NETWORK.output @ code, rtol=1e-4)
