import pytest
from pydantic import ValidationError

from models.neural.config import TrainingConfig


def test_there_is_no_limit_of_minutes_by_default_and_none_below_zero() -> None:
    assert TrainingConfig().max_minutes is None
    with pytest.raises(ValidationError, match="greater than 0"):
        TrainingConfig(max_minutes=0)
