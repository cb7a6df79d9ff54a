from models.neural.multvae_config import MultVaeConfig


def test_memory_grows_with_items_and_with_what_is_compared() -> None:
    config = MultVaeConfig(whole_catalogue=10_000, negatives=1000, batch=10_000, hidden=10)
    assert config.compared(10_000) == 10_000
    assert config.compared(10_001) == 1000
    assert config.gigabytes(10_001) < config.gigabytes(10_000)
    assert config.gigabytes(1_000_000) > 7 * 4 * 2 * 10 * 1_000_000 / 1e9
    assert MultVaeConfig(hidden=8, code=4, batch=8).gigabytes(20) < 0.1
