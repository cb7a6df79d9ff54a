"""Training of the self-attention network: passes with early stopping, which go on where a killed process stopped."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final

import jax
import numpy as np
from threadpoolctl import threadpool_limits

from models.sequential.sasrec_batches import TrainingSet
from models.sequential.sasrec_checkpoints import Progress, load_progress, save_progress
from models.sequential.sasrec_config import SasRecConfig
from models.sequential.sasrec_network import Draws, Plan, initial, no_moments, seeded, step
from nightschool.checkpoints import checkpoint_folder
from nightschool.contract import Float32s
from nightschool.errors import NightschoolError, Unavailable
from nightschool.progress import watch
from nightschool.ranking.self_attention import SelfAttention

SECONDS_BETWEEN: Final = 20.0
"""Between checkpoints, so that short passes do not wait for the disk; the result does not depend on it."""
_FORMAT: Final = 1
_POPULARITY: Final = 0.75
_BLOCK: Final = 256


@dataclass(frozen=True, eq=False)
class Trainer:
    """Trains the network; equal seeds give equal bits on a CPU, whether or not it was interrupted.

    Attributes:
        training_set: What is learned.
        config: The hyper-parameters.
        seed: Of all draws, not negative.
    """

    training_set: TrainingSet
    config: SasRecConfig
    seed: int

    def train(self) -> Mapping[str, Float32s]:
        """Return the arrays after the best pass, by their names in `SelfAttention`.

        Raises:
            NightschoolError: The loss is not finite.
            Unavailable: The device has too little memory.
        """
        folder = checkpoint_folder(f"sasrec-{self.fingerprint()}")
        progress = (load_progress(folder) if folder else None) or self._begin()
        saved = time.monotonic()
        for _ in watch(range(progress.epoch, self.config.epochs), "sasrec", self.config.epochs - progress.epoch):
            if progress.epoch - progress.best_epoch >= self.config.patience:
                break
            progress = self._pass(progress)
            if folder and time.monotonic() - saved >= SECONDS_BETWEEN:
                save_progress(folder, progress)
                saved = time.monotonic()
        if folder:
            save_progress(folder, progress)
        return progress.best

    def fingerprint(self) -> str:
        """Hash everything that the result depends on."""
        facts = (_FORMAT, jax.__version__, jax.default_backend(), self.seed, self.config.model_dump_json())
        digest = blake2b(repr(facts).encode(), digest_size=16)
        for array in (
            self.training_set.rows,
            self.training_set.starts,
            self.training_set.sizes,
            self.training_set.held_out.items,
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def _begin(self) -> Progress:
        parameters = initial(len(self.training_set.counts), self.config.shape, self.seed)
        moments = [np.asarray(leaf) for leaf in jax.tree.leaves(no_moments(parameters))]
        return Progress(0, 0, -np.inf, parameters, parameters, moments)

    def _pass(self, progress: Progress) -> Progress:
        """Make one pass over all histories, and measure what came of it."""
        try:
            loss, parameters, moments = self._steps(progress)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            raise Unavailable(
                "sasrec ran out of memory while training",
                seen=f"{jax.devices()[0].device_kind}, batch={self.config.batch}",
                do="lower sasrec.batch, sasrec.length or sasrec.width",
            ) from error
        epoch = progress.epoch + 1
        if not np.isfinite(loss):
            raise NightschoolError(
                f"the loss of sasrec is not finite in pass {epoch}",
                seen=f"learning_rate={self.config.learning_rate:g}",
                do="lower sasrec.learning_rate",
            )
        value = self._value(parameters, loss)
        progress = replace(progress, epoch=epoch, parameters=parameters, moments=moments)
        if value > progress.best_value:
            progress = replace(progress, best_epoch=epoch, best_value=value, best=parameters)
        return progress

    def _steps(self, progress: Progress) -> tuple[float, Mapping[str, Float32s], list["np.ndarray[Any, Any]"]]:
        """Take the steps of one pass; return their mean loss, the parameters and the optimiser's state."""
        parameters: Any = progress.parameters
        moments = jax.tree.unflatten(jax.tree.structure(no_moments(parameters)), progress.moments)
        config, losses = self.config, []
        drawn = config.negatives if len(self.training_set.counts) > config.whole_catalogue else 0
        plan = Plan(config.learning_rate, config.dropout, drawn)
        draws = Draws.of(self.training_set.counts, _POPULARITY)
        batches = self.training_set.batches(config.rows, config.length, (self.seed, progress.epoch))
        for place, batch in enumerate(batches):
            parameters, moments, loss = step(
                parameters, moments, batch, draws, seeded(self.seed, progress.epoch, place), plan
            )
            losses.append(loss)
        kept = {name: np.array(array) for name, array in parameters.items()}
        return float(np.mean(jax.device_get(losses))), kept, [np.array(leaf) for leaf in jax.tree.leaves(moments)]

    def _value(self, parameters: Mapping[str, Float32s], loss: float) -> float:
        """Return the mean 1 / log2(1 + rank) of what is held out among unseen items; without any, minus the loss."""
        items, histories = self.training_set.held_out
        if not len(items):
            return -loss
        network = SelfAttention(np.arange(len(self.training_set.counts), dtype=np.int32), **parameters)
        gains = []
        with threadpool_limits(1):
            for start in range(0, len(items), _BLOCK):
                places = np.arange(start, min(start + _BLOCK, len(items)), dtype=np.int32)
                block = histories[places]
                scores, rows = network.score(block), np.arange(len(places))
                own = scores[rows, items[places]][:, None]
                scores[np.repeat(rows, np.diff(block.scores.indptr)), block.scores.indices] = -np.inf
                gains.append(1 / np.log2(2 + (scores > own).sum(axis=1)))
        return float(np.concatenate(gains).mean())
