"""What networks share that are trained in JAX, which scoring does not need."""

from abc import abstractmethod
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import ClassVar, Final

from models.base import Model
from models.neural.config import TrainingConfig
from nightschool.contract import Dataset
from nightschool.data.shape import Shape
from nightschool.errors import ConfigurationError, Unavailable

_COMPILING: Final = 8.0  # seconds of a fit, however small the data are, that JAX takes to compile


class JaxModel(Model):
    """A network that is trained in JAX.

    A model of one's own gives `training` and fills in `training_seconds`.

    Attributes:
        training: The module that trains it.
    """

    training: ClassVar[str]

    config: TrainingConfig

    @abstractmethod
    def training_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of all passes over data of this shape."""

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape, compiling included."""
        return _COMPILING + self.training_seconds(shape)

    def require_data(self, dataset: Dataset) -> None:
        """Check that the dataset has what the class says it needs, and that JAX is installed.

        Raises:
            ConfigurationError: The dataset lacks something.
            Unavailable: JAX or optax is not installed.
        """
        super().require_data(dataset)
        missing = [name for name in ("jax", "optax") if find_spec(name) is None]
        if missing:
            raise self._unavailable(f"no {' and no '.join(missing)}")

    def import_training(self) -> ModuleType:
        """Import the module that trains it, and so JAX.

        Raises:
            Unavailable: JAX or optax cannot be imported.
        """
        try:
            return import_module(self.training)
        except ImportError as error:
            raise self._unavailable(str(error)) from error

    def require_memory(self, gigabytes: float, n_items: int) -> None:
        """Check that a training stays within its memory.

        Args:
            gigabytes: What it will take, as estimated.
            n_items: Items to learn.

        Raises:
            ConfigurationError: It does not.
        """
        name, config = self.name, self.config
        if gigabytes > config.max_gigabytes:
            lower = " or ".join(f"{name}.{each}" for each in config.weighty)
            raise ConfigurationError(
                f"{name} needs {gigabytes:.2g} GB to train on {n_items:,} items",
                seen=f"max_gigabytes={config.max_gigabytes:g}",
                do=f"raise {name}.max_gigabytes, or lower {lower}",
            )

    def _unavailable(self, seen: str) -> Unavailable:
        return Unavailable(
            f"{self.name} is trained with JAX and optax, which are not installed",
            seen=seen,
            do=f"run `make install`, or `pip install nightschool[neural]`, or leave {self.name} out",
        )
