import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.neural import jax_steps
from models.neural.jax_steps import compiled, enlarged, reduced_products, seeded

MATRIX = np.random.default_rng(0).standard_normal((300, 300)).astype(np.float32)


@compiled("times")
def powered(matrix: jax.Array, times: int) -> jax.Array:
    for _ in range(times):
        matrix = matrix @ matrix.T / 300
    return matrix


def test_a_compiled_step_gives_equal_bits_and_is_compiled_for_what_is_static() -> None:
    found = [np.asarray(powered(MATRIX, 3)) for _ in range(3)]
    assert all(np.array_equal(each, found[0]) for each in found)
    np.testing.assert_allclose(powered(MATRIX, 1), MATRIX @ MATRIX.T / 300, atol=1e-4)


def test_numbers_of_any_size_give_keys() -> None:
    numbers = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (2**40, 0, 0))
    keys = [np.asarray(jax.random.key_data(seeded(*each))).tolist() for each in numbers]
    assert len({tuple(key) for key in keys}) == len(numbers)
    assert keys[0] == np.asarray(jax.random.key_data(seeded(0, 0, 0))).tolist()


def test_a_gpu_takes_larger_batches_and_products_of_fewer_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a CPU is asked for shows what a GPU would be; a CPU itself multiplies in float32 all the same."""

    def asked() -> str:
        with reduced_products():
            return str(jax.jit(jnp.matmul).lower(MATRIX, MATRIX).as_text())

    assert enlarged(100) == 100
    assert "bf16" not in asked()
    monkeypatch.setattr(jax_steps, "is_on_gpu", lambda: True)
    assert enlarged(100) == 400
    assert "bf16" in asked()
