"""What compiled steps of all networks share: compiling to equal bits, keys of steps, and what a GPU changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar, cast

import jax
import numpy as np
from jax import Array

Step = TypeVar("Step", bound=Callable[..., Any])

_ONE_THREAD: Final = {"xla_cpu_multi_thread_eigen": False}
_TIMES_ON_GPU: Final = 4


def compiled(*static: str) -> Callable[[Step], Step]:
    """Decorate a function of arrays: it is compiled, so that it gives equal bits in each call on a CPU.

    Products of matrices on several threads of a CPU give other last bits from call to call.

    Args:
        static: Names of the arguments that it is compiled for.
    """

    def decorate(function: Step) -> Step:
        return cast(Step, jax.jit(function, static_argnames=static, compiler_options=_ONE_THREAD))

    return decorate


def seeded(*numbers: int) -> Array:
    """Return the key of one step, such as seed, pass and place; it draws on all devices and compiles fast."""
    key: Array = jax.random.wrap_key_data(np.random.SeedSequence(numbers).generate_state(4), impl="rbg")
    return key


def is_on_gpu() -> bool:
    """Return whether JAX computes on a GPU."""
    return str(jax.default_backend()) == "gpu"


def enlarged(batch: int) -> int:
    """Return the size of a step where the hyper-parameters say `batch`: on a GPU four times as large."""
    return batch * _TIMES_ON_GPU if is_on_gpu() else batch


@contextmanager
def reduced_products() -> Iterator[None]:
    """Let a GPU multiply matrices in bfloat16 and sum in float32; arrays stay float32, and a CPU does as always."""
    with jax.default_matmul_precision("BF16_BF16_F32" if is_on_gpu() else None):
        yield
