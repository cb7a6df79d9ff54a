from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from nightschool.errors import ConfigurationError
from nightschool.simulator.config import SimulatorConfig


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"users": 0}, "users"),
        ({"items": -3}, "items"),
        ({"interactions": 0}, "interactions"),
        ({"days": 0}, "days"),
        ({"days": 40_000}, "days"),
        ({"seed": -1}, "seed"),
        ({"damage": 0.6}, "damage"),
        ({"damage": -0.1}, "damage"),
        ({"damage": float("nan")}, "damage"),
        ({"mode": "chaotic"}, "mode"),
        ({"users": "many"}, "users"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_an_unusable_setting_is_refused_by_name_and_value(settings: dict[str, object], name: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        SimulatorConfig(**settings)
    assert f"'{name}'" in str(refusal.value)
    assert str(settings[name]) in str(refusal.value)


def test_the_period_ends_on_a_fixed_date() -> None:
    config = SimulatorConfig(days=2)
    assert config.period_start == datetime(2025, 6, 29, tzinfo=UTC)
    assert config.seconds == 2 * 24 * 60 * 60


def test_the_config_is_frozen() -> None:
    config = SimulatorConfig()
    with pytest.raises((ConfigurationError, ValidationError)):
        config.users = 3
