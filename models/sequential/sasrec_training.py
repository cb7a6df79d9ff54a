"""What the trainer needs of the self-attention network: its passes over packed histories, and how they are measured."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import jax
import numpy as np
from threadpoolctl import threadpool_limits

from models.neural.jax_steps import enlarged, seeded
from models.neural.negatives import Draws
from models.neural.training import Parameters, Trained, Trainer
from models.sequential.sasrec_batches import TrainingSet
from models.sequential.sasrec_config import SasRecConfig
from models.sequential.sasrec_network import Plan, initial, no_moments, step
from nightschool.contract import Float32s
from nightschool.ranking.self_attention import SelfAttention

_POPULARITY: Final = 0.75
_BLOCK: Final = 256


def train(training_set: TrainingSet, config: SasRecConfig, seed: int) -> Trained:
    """Train the network; return the arrays of `SelfAttention`, but for `items`.

    Raises:
        NightschoolError: The loss is not finite.
        Unavailable: The device has too little memory.
    """
    return Trainer(SasRecTask(training_set, config, seed)).train()


@dataclass(frozen=True, eq=False)
class SasRecTask:
    """The self-attention network as a task of the trainer.

    Attributes:
        training_set: What is learned.
        config: The hyper-parameters.
        seed: Of all draws, not negative.
    """

    name: ClassVar[str] = "sasrec"

    training_set: TrainingSet
    config: SasRecConfig
    seed: int

    def initial(self) -> dict[str, Float32s]:
        """Draw the arrays of `SelfAttention`, but for `items`."""
        return initial(len(self.training_set.counts), self.config.shape, self.seed)

    def moments(self, parameters: Parameters) -> Any:
        """Return the state of Adam before the first step."""
        return no_moments(parameters)

    def epoch(self, parameters: Parameters, moments: Any, number: int) -> tuple[float, Mapping[str, Any], Any]:
        """Make a pass over all histories; return its mean loss, the parameters and the state of Adam."""
        config, losses = self.config, []
        drawn = config.negatives if len(self.training_set.counts) > config.whole_catalogue else 0
        plan = Plan(config.learning_rate, config.dropout, drawn)
        draws = Draws.of(self.training_set.counts, _POPULARITY)
        batches = self.training_set.batches(enlarged(config.rows), config.length, (self.seed, number))
        for place, batch in enumerate(batches):
            parameters, moments, loss = step(parameters, moments, batch, draws, seeded(self.seed, number, place), plan)
            losses.append(loss)
        return float(np.mean(jax.device_get(losses))), parameters, moments

    def value(self, parameters: Parameters, loss: float) -> float:
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

    def facts(self) -> Iterable[object]:
        """Return the seed and the histories."""
        training_set = self.training_set
        yield self.seed
        yield from (training_set.rows, training_set.starts, training_set.sizes, training_set.held_out.items)
