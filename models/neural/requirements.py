"""What a network's training needs of the machine: JAX, and enough memory."""

from importlib import import_module
from types import ModuleType

from models.neural.config import TrainingConfig
from nightschool.errors import ConfigurationError, Unavailable


def import_training(model: str, module: str) -> ModuleType:
    """Import the module that trains a model; only now is JAX imported, which neither scoring nor other models need.

    Raises:
        Unavailable: JAX or optax is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise Unavailable(
            f"{model} is trained with JAX and optax, which are not installed",
            seen=str(error),
            do=f"run `make install`, or `pip install nightschool[neural]`, or leave {model} out",
        ) from error


def require_memory(model: str, config: TrainingConfig, gigabytes: float, n_items: int) -> None:
    """Check that a training stays within its memory.

    Args:
        model: The model's name.
        config: Its hyper-parameters.
        gigabytes: What it will take, as estimated.
        n_items: Items to learn.

    Raises:
        ConfigurationError: It does not.
    """
    if gigabytes > config.max_gigabytes:
        lower = " or ".join(f"{model}.{name}" for name in config.weighty)
        raise ConfigurationError(
            f"{model} needs {gigabytes:.2g} GB to train on {n_items:,} items",
            seen=f"max_gigabytes={config.max_gigabytes:g}",
            do=f"raise {model}.max_gigabytes, or lower {lower}",
        )
