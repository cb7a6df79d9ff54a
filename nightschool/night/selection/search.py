"""The settings of a search: what is tried, for how long, and which metric decides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nightschool.contract import Space, Span
from nightschool.evaluation.evaluation import Evaluation


def _free(_params: Mapping[str, Any]) -> float:
    return 0.0


def densities(space: Space) -> frozenset[str]:
    """Return the hyper-parameters that tell on how many likes a row those of a space were chosen."""
    return frozenset(span.chosen_on for span in space.values() if isinstance(span, Span) and span.chosen_on)


@dataclass(frozen=True)
class Tunable:
    """A model and the hyper-parameter values that may be tried.

    Attributes:
        model: Its name in the catalogue.
        fixed: The hyper-parameters that are not searched, with their values.
        space: The hyper-parameters that are searched; where empty, only the defaults are tried.
        defaults: The default of each hyper-parameter.
        personal: Whether it ranks differently for different users.
        dispensable: Whether it may be given up where it is far behind and takes long.
        starts: Settings that are tried before any is drawn, the one that suited the most similar data first.
        seconds: Estimates the seconds that a setting takes to be fitted and measured, from the data's shape alone.
    """

    model: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    space: Space = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    personal: bool = True
    dispensable: bool = False
    starts: tuple[Mapping[str, Any], ...] = ()
    seconds: Callable[[Mapping[str, Any]], float] = _free


@dataclass(frozen=True)
class Search:
    """The settings of a search.

    Attributes:
        tunables: The models, and the values that may be tried of each.
        seconds: Estimated seconds that all trials may take; 0 to try the defaults alone.
        alphas: The α of the sweep.
        cutoffs: The k of the metrics.
        seed: Seed of every fit and every draw.
        megabytes: Memory that a dense block of scores may take.
        max_users: Largest number of validation users of a cut; a sample is drawn where there are more.
        decisive_k: The k of the ndcg that decides.
        reranker: The fixed hyper-parameters of a reranker; None to try none.
        reranked_cuts: Validation cuts, the first included, over which a reranker is compared with the chosen recipe.
        reranker_defaults: The defaults of all its hyper-parameters.
        left_out: Model to the reason for which it is not tried.
    """

    tunables: tuple[Tunable, ...]
    seconds: float
    alphas: Sequence[float]
    cutoffs: tuple[int, ...]
    seed: int
    megabytes: int
    max_users: int
    decisive_k: int = 10
    reranker: Mapping[str, Any] | None = None
    reranked_cuts: int = 1
    reranker_defaults: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def decisive(self, evaluation: Evaluation) -> float:
        """Return the figure that decides; minus infinity where no user could be evaluated."""
        return float(np.nan_to_num(evaluation.mean("ndcg", self.decisive_k), nan=-np.inf))
