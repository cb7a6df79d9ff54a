import numpy as np

from models.neural.layers import drawn_layer, layer


def test_a_layer_starts_without_bias_and_keeps_the_scale_of_what_it_reads() -> None:
    weights = drawn_layer(np.random.default_rng(0), 300, 200)
    assert weights.shape == (301, 200)
    assert not weights[-1].any()
    assert np.isclose(weights[:-1].std(), np.sqrt(2 / 500), rtol=0.02)
    inputs = np.random.default_rng(1).standard_normal((4, 300)).astype(np.float32)
    biased = np.concatenate([weights[:-1], np.full((1, 200), 3, np.float32)])
    np.testing.assert_allclose(layer(inputs, biased), inputs @ weights[:-1] + 3, rtol=1e-4, atol=1e-4)
