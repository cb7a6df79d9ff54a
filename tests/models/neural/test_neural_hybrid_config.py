from models.neural.neural_hybrid_config import NeuralHybridConfig


def test_large_catalogues_are_sampled_and_memory_grows_with_items() -> None:
    config = NeuralHybridConfig(whole_catalogue=100, negatives=256)
    assert (config.compared(100), config.compared(101)) == (100, 256)
    assert 0 < config.gigabytes(1000) < config.gigabytes(2000)
    assert NeuralHybridConfig().gigabytes(10_000) < 1
