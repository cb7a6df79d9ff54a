from models.neural.neumf_config import NeuMfConfig


def test_memory_grows_with_items_likes_and_negatives() -> None:
    few, many = NeuMfConfig(negatives=4), NeuMfConfig(negatives=8)
    assert few.gigabytes(1000, 100) < few.gigabytes(1000, 200)
    assert few.gigabytes(1000, 100) < many.gigabytes(1000, 100)
    assert few.gigabytes(1_000_000, 10) > 8 * 4 * 2 * 96 * 1_000_000 / 1e9
    assert NeuMfConfig(factors=4, width=4, batch=8).gigabytes(20, 5) < 0.1
