import pytest
from pydantic import ValidationError

from models.sequential.sasrec_config import SasRecConfig


def test_heads_divide_the_width() -> None:
    assert SasRecConfig(width=8, heads=4).shape == (8, 16, 1, 4, 50)
    with pytest.raises(ValidationError, match="heads=3 does not divide width=8"):
        SasRecConfig(width=8, heads=3)


def test_memory_grows_with_items_and_with_what_is_compared() -> None:
    config = SasRecConfig()
    assert config.gigabytes(12_000) < config.gigabytes(4096)
    assert config.gigabytes(1_000_000) > 7 * 4 * 64 * 1_000_000 / 1e9
    assert config.gigabytes(20) < 0.1


def test_a_step_has_one_row_at_least() -> None:
    assert SasRecConfig(batch=10, length=50).rows == 1
    assert SasRecConfig(batch=2048, length=50).rows == 40
