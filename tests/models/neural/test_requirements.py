import sys

import pytest

from models.neural.config import TrainingConfig
from models.neural.requirements import import_training, require_memory
from nightschool.errors import ConfigurationError, Unavailable


def test_without_jax_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "models.neural.jax_steps", raising=False)
    monkeypatch.setitem(sys.modules, "jax", None)
    expected = r"sasrec is trained with JAX and optax.*nightschool\[neural\].*leave sasrec out"
    with pytest.raises(Unavailable, match=expected):
        import_training("sasrec", "models.neural.jax_steps")


def test_memory_beyond_the_limit_is_refused_with_what_to_lower() -> None:
    config = TrainingConfig(max_gigabytes=2)
    require_memory("sasrec", config, 2.0, 10)
    with pytest.raises(ConfigurationError, match=r"needs 2\.5 GB to train on 12,000 items.*lower sasrec\.batch"):
        require_memory("sasrec", config, 2.5, 12_000)
