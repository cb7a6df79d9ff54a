"""Training of a network: passes with early stopping, which go on where a killed process stopped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from time import monotonic
from typing import Any, Final, NamedTuple, Protocol

import jax
import numpy as np

from models.neural.checkpoints import Progress, load_progress, save_progress
from models.neural.config import TrainingConfig
from models.neural.jax_steps import reduced_products
from nightschool.checkpoints import checkpoint_folder
from nightschool.contract import Float32s
from nightschool.curves import note_point
from nightschool.errors import NightschoolError, Unavailable
from nightschool.progress import watch

SECONDS_BETWEEN: Final = 20.0
"""Between checkpoints, so that short passes do not wait for the disk; the result does not depend on it."""
_FORMAT: Final = 2

Parameters = Mapping[str, Float32s]


class Task(Protocol):
    """What is trained, pass by pass."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def config(self) -> TrainingConfig:
        """Its hyper-parameters."""

    def initial(self) -> Parameters:
        """Draw the parameters that training starts from."""

    def moments(self, parameters: Parameters) -> Any:
        """Return the optimiser's state before the first step, a tree of arrays."""

    def epoch(self, parameters: Parameters, moments: Any, number: int) -> tuple[float, Mapping[str, Any], Any]:
        """Make a pass; return its mean loss, the parameters and the optimiser's state.

        Args:
            parameters: After the passes before.
            moments: The optimiser's state after them.
            number: How many passes were made.
        """

    def value(self, parameters: Parameters, loss: float) -> float:
        """Measure parameters on what is held out; higher is better. Without anything held out, minus the loss."""

    def facts(self) -> Iterable[object]:
        """Return what the result depends on beside the hyper-parameters: arrays, and values that `repr` tells apart."""


class Trained(NamedTuple):
    """What a training came to.

    Attributes:
        parameters: The arrays after the best pass.
        note: What ended it otherwise than its passes and patience, in words; None: nothing.
    """

    parameters: Parameters
    note: str | None


@dataclass(frozen=True, eq=False)
class Trainer:
    """Trains a network; equal seeds give equal bits on a CPU, whether or not it was interrupted.

    Only what `max_minutes` ends depends on how fast the machine is.

    Attributes:
        task: What is trained.
    """

    task: Task

    def train(self) -> Trained:
        """Make passes until one of the limits is reached, and return the best; note the curves of loss and value.

        Raises:
            NightschoolError: The loss is not finite.
            Unavailable: The device has too little memory.
        """
        folder, config = checkpoint_folder(f"{self.task.name}-{self.fingerprint()}"), self.task.config
        progress = (load_progress(folder) if folder else None) or self._begin()
        for epoch in range(progress.epoch):
            self._note(progress, epoch)
        saved = monotonic()
        for _ in watch(range(progress.epoch, config.epochs), self.task.name, config.epochs - progress.epoch):
            if progress.epoch - progress.best_epoch >= config.patience or self._is_out_of_time(progress):
                break
            progress = self._pass(progress)
            self._note(progress, progress.epoch - 1)
            if folder and monotonic() - saved >= SECONDS_BETWEEN:
                save_progress(folder, progress)
                saved = monotonic()
        if folder:
            save_progress(folder, progress)
        return Trained(progress.best, self._ending(progress))

    def fingerprint(self) -> str:
        """Hash everything that the result depends on."""
        facts = (_FORMAT, jax.__version__, jax.default_backend(), self.task.config.model_dump_json())
        digest = blake2b(repr(facts).encode(), digest_size=16)
        for fact in self.task.facts():
            digest.update(np.ascontiguousarray(fact).tobytes() if isinstance(fact, np.ndarray) else repr(fact).encode())
        return digest.hexdigest()

    def _begin(self) -> Progress:
        parameters = self.task.initial()
        moments = [np.asarray(leaf) for leaf in jax.tree.leaves(self.task.moments(parameters))]
        return Progress(0, 0, -np.inf, 0.0, (), (), parameters, parameters, moments)

    def _pass(self, progress: Progress) -> Progress:
        """Make one pass over the data, and measure what came of it."""
        started = monotonic()
        loss, parameters, moments = self._steps(progress)
        epoch = progress.epoch + 1
        if not np.isfinite(loss):
            raise NightschoolError(
                f"the loss of {self.task.name} is not finite in pass {epoch}",
                seen=f"learning_rate={self.task.config.learning_rate:g}",
                do=f"lower {self.task.name}.learning_rate",
            )
        value = self.task.value(parameters, loss)
        progress = replace(
            progress,
            epoch=epoch,
            seconds=progress.seconds + monotonic() - started,
            losses=(*progress.losses, loss),
            values=(*progress.values, value),
            parameters=parameters,
            moments=moments,
        )
        if value > progress.best_value:
            progress = replace(progress, best_epoch=epoch, best_value=value, best=parameters)
        return progress

    def _steps(self, progress: Progress) -> tuple[float, Parameters, list["np.ndarray[Any, Any]"]]:
        """Take the steps of one pass; return their mean loss, the parameters and the optimiser's state."""
        try:
            structure = jax.tree.structure(self.task.moments(progress.parameters))
            moments = jax.tree.unflatten(structure, progress.moments)
            with reduced_products():
                loss, parameters, moments = self.task.epoch(progress.parameters, moments, progress.epoch)
            kept = {name: np.array(array) for name, array in parameters.items()}
            return loss, kept, [np.array(leaf) for leaf in jax.tree.leaves(moments)]
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            name, config = self.task.name, self.task.config
            settings = ", ".join(f"{each}={getattr(config, each)}" for each in config.weighty)
            raise Unavailable(
                f"{name} ran out of memory while training",
                seen=f"{jax.devices()[0].device_kind}, {settings}",
                do=f"lower {' or '.join(f'{name}.{each}' for each in config.weighty)}",
            ) from error

    def _note(self, progress: Progress, epoch: int) -> None:
        note_point(f"{self.task.name}/loss", epoch + 1, progress.losses[epoch])
        note_point(f"{self.task.name}/validation", epoch + 1, progress.values[epoch])

    def _is_out_of_time(self, progress: Progress) -> bool:
        """Return whether another pass, as long as those before, would exceed the minutes; one pass is always made."""
        most = self.task.config.max_minutes
        return bool(most and progress.epoch and progress.seconds * (1 + 1 / progress.epoch) > 60 * most)

    def _ending(self, progress: Progress) -> str | None:
        """Say that the minutes ended the training, if they did."""
        config = self.task.config
        ended = progress.epoch >= config.epochs or progress.epoch - progress.best_epoch >= config.patience
        if ended or not self._is_out_of_time(progress):
            return None
        name = self.task.name
        return f"{name}.max_minutes={config.max_minutes:g} ended the training after pass {progress.epoch}"
