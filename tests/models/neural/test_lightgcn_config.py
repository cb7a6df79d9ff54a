from models.neural.lightgcn_config import LightGcnConfig


def test_large_catalogues_are_sampled_and_memory_grows_with_users_items_and_likes() -> None:
    config = LightGcnConfig(whole_catalogue=100, negatives=256)
    assert (config.compared(100), config.compared(101)) == (100, 256)
    usual = config.gigabytes(1000, 1000, 10_000)
    assert 0 < usual < min(config.gigabytes(*larger) for larger in [(2000, 1000, 10_000), (1000, 2000, 10_000)])
    assert usual < config.gigabytes(1000, 1000, 20_000)
    assert LightGcnConfig().gigabytes(100_000, 10_000, 3_000_000) < 1
