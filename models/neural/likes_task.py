"""What trainings on sets of likes share: what tells when to stop, and what the result depends on."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.neural.averaged_adam import no_moments
from models.neural.config import TrainingConfig
from models.neural.held_out import HeldOut
from models.neural.negatives import Draws
from models.neural.training import Parameters
from nightschool.contract import Float32s

_POPULARITY = 0.75
Scores = Callable[[slice], Float32s]


@dataclass(frozen=True, eq=False)
class LikesTask(ABC):
    """A task of the trainer that learns from a matrix of likes.

    A task of one's own gives `name`, and fills in `initial`, `epoch` and `scores`.

    Attributes:
        likes: CSR float32 [n_users, n_items], ones, what is learned from.
        held_out: The likes that tell when to stop.
        config: The hyper-parameters.
        seed: Of all draws, not negative.
    """

    name: ClassVar[str]

    likes: csr_array
    held_out: HeldOut
    config: TrainingConfig
    seed: int

    @abstractmethod
    def initial(self) -> dict[str, Float32s]:
        """Draw the parameters that training starts from."""

    @abstractmethod
    def epoch(self, parameters: Parameters, moments: Any, number: int) -> tuple[float, Mapping[str, Any], Any]:
        """Make a pass over all users; return its mean loss, the parameters and the state of training."""

    @abstractmethod
    def scores(self, parameters: Parameters) -> Scores:
        """Return what scores all items for some of the users held out, by their places there."""

    def moments(self, parameters: Parameters) -> Any:
        """Return the state of training before the first step."""
        return no_moments(parameters)

    def value(self, parameters: Parameters, loss: float) -> float:
        """Return the mean ndcg@100 of what is held out; without any, minus the loss."""
        return self.held_out.ndcg(self.scores(parameters)) if len(self.held_out.users) else -loss

    def facts(self) -> Iterable[object]:
        """Return the seed and the likes."""
        yield from (self.seed, self.likes.shape, self.likes.indptr, self.likes.indices)
        yield from (self.held_out.users, self.held_out.likes.indices)

    def counts(self) -> NDArray[np.int64]:
        """Count the likes of each item, int64 [n_items]."""
        return np.bincount(self.likes.indices, minlength=self.likes.shape[1])

    @cached_property
    def draws(self) -> Draws:
        """What negatives are drawn from: items in proportion to their likes to the power of ¾.

        Reference:
            Mikolov, Sutskever, Chen, Corrado and Dean, "Distributed Representations of Words and Phrases and their
            Compositionality", NeurIPS 2013.
        """
        return Draws.of(self.counts(), _POPULARITY)
