import sys
from importlib.machinery import ModuleSpec

import pytest

from models.neural import jax_model
from models.neural.multvae import MultVae
from models.neural.multvae_config import MultVaeConfig
from nightschool.data.shape import Shape
from nightschool.errors import ConfigurationError, Unavailable
from nightschool.testing.datasets import two_tastes

INSTALL = r"multvae is trained with JAX and optax.*nightschool\[neural\].*leave multvae out"


def test_without_jax_it_says_what_to_install_before_it_looks_at_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> ModuleSpec | None:
        return None if name == "optax" else ModuleSpec(name, None)

    monkeypatch.setattr(jax_model, "find_spec", find)
    with pytest.raises(Unavailable, match=INSTALL) as refused:
        MultVae().fit(two_tastes(), seed=0)
    assert "no optax" in str(refused.value)


def test_a_jax_that_cannot_be_imported_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, MultVae.training, raising=False)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(Unavailable, match=INSTALL):
        MultVae().fit(two_tastes(), seed=0)


def test_memory_beyond_the_limit_is_refused_with_what_to_lower() -> None:
    model = MultVae(MultVaeConfig(max_gigabytes=2))
    model.require_memory(2.0, 10)
    with pytest.raises(ConfigurationError, match=r"needs 2\.5 GB to train on 12,000 items.*lower multvae\.batch"):
        model.require_memory(2.5, 12_000)


def test_however_small_the_data_a_fit_takes_the_seconds_of_the_compiler() -> None:
    assert MultVae().fit_seconds(Shape.of(two_tastes())) > 5
