"""The two towers as a task of the trainer: their passes over occasions, and how they are measured."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final

import jax
import numpy as np
from scipy.sparse import csr_array

from models.neural.averaged_adam import Rates
from models.neural.contexts import Contexts
from models.neural.held_out import HeldOut
from models.neural.jax_steps import enlarged, seeded
from models.neural.likes_task import LikesTask, Scores
from models.neural.negatives import Draws
from models.neural.neural_hybrid_config import NeuralHybridConfig
from models.neural.occasions import Occasions, codes_of_entries
from models.neural.training import Parameters, Trained, Trainer
from models.neural.two_towers_loss import Plan, Shape, Step, initial, take_step
from models.neural.two_towers_network import TwoTowers, described_items
from nightschool.contract import Float32s

_POWERS: Final = {"uniform": 0.0, "batch": 1.0}
"""Of an item's likes, its chance to be drawn, where it is not the usual one."""
_AVERAGED: Final = 0.95  # of the averages, that a step leaves


def train(
    likes: csr_array,
    contexts: Contexts,
    attributes: Float32s,
    descriptions: Float32s,
    config: NeuralHybridConfig,
    seed: int,
) -> Trained:
    """Train the towers; return the arrays of `two_towers_loss.initial`.

    Args:
        likes: CSR float32 [n_users, n_items], ones; every user and every item has some.
        contexts: Of the likes.
        attributes: float32 [n_users, n_attributes].
        descriptions: float32 [n_items, n_dimensions].
        config: The hyper-parameters.
        seed: Of all draws, not negative.

    Raises:
        NightschoolError: The loss is not finite.
        Unavailable: The device has too little memory.
    """
    left, held_out = HeldOut.of(likes, seed)
    codes = codes_of_entries(contexts.codes, likes, left)
    occasions = Occasions(left, codes, len(contexts.values), attributes)
    task = NeuralHybridTask(left, held_out, config, seed, occasions, descriptions)
    return Trainer(task).train()


@dataclass(frozen=True, eq=False)
class NeuralHybridTask(LikesTask):
    """The two towers as a task of the trainer.

    Attributes:
        occasions: What is learned from, with its contexts.
        descriptions: float32 [n_items, n_dimensions].
    """

    name: ClassVar[str] = "neural_hybrid"

    config: NeuralHybridConfig
    occasions: Occasions
    descriptions: Float32s

    @cached_property
    def draws(self) -> Draws:
        """What negatives are drawn from, or corrected by where they are drawn from the batch."""
        power = _POWERS.get(self.config.drawn_from)
        return super().draws if power is None else Draws.of(self.counts(), power)

    def initial(self) -> dict[str, Float32s]:
        """Draw the parameters that training starts from."""
        occasions, config = self.occasions, self.config
        sizes = config.factors, config.hidden, self.descriptions.shape[1], occasions.attributes.shape[1]
        shape = Shape(self.likes.shape[1], *sizes, occasions.n_values)
        return initial(shape, np.log(np.maximum(self.counts(), 0.5)).astype(np.float32), self.seed)

    def epoch(self, parameters: Parameters, moments: Any, number: int) -> tuple[float, Mapping[str, Any], Any]:
        """Make a pass over all users; return its mean loss, the averages and the state of training."""
        config, losses = self.config, []
        drawn = config.drawn(self.likes.shape[1])
        rates, l2 = Rates(config.learning_rate, 0.0, _AVERAGED), config.l2 / max(self.likes.nnz, 1)
        from_batch, binary = config.drawn_from == "batch", config.loss == "binary"
        plan = Plan(rates, l2, config.dropout, config.id_dropout, drawn, from_batch, binary)
        n_users = min(enlarged(config.batch), int(self.likes.shape[0]))
        for place, batch in enumerate(self.occasions.batches(n_users, (self.seed, number))):
            this = Step(batch, self.descriptions, self.draws, seeded(self.seed, number, place))
            parameters, moments, loss = take_step(parameters, moments, this, plan)
            losses.append(loss)
        return float(np.mean(jax.device_get(losses))), parameters, moments

    def scores(self, parameters: Parameters) -> Scores:
        """Return what scores all items for users held out."""
        everything = np.ones(self.likes.shape[1], dtype=bool)
        items = described_items(parameters, self.descriptions, everything)
        network = TwoTowers(items, parameters["inner"], parameters["outer"])
        known = self.occasions.attributes[self.held_out.users] @ parameters["attributes"]
        return lambda block: network.score(self.held_out.known[block], known[block])

    def facts(self) -> Iterable[object]:
        """Return the seed, the likes with their contexts, and what is known of users and items."""
        yield from super().facts()
        yield from (self.occasions.codes, self.occasions.attributes, self.descriptions)
