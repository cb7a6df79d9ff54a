"""Settings that were tried, what was measured of them, and which of a model's to take."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nightschool.evaluation.pooled import Paired, pool_differences
from nightschool.night.selection.evaluators import UserValues
from nightschool.night.selection.search import Tunable
from nightschool.recipe import Component

_PRECISION = 0.005  # standard error of a difference, as a share of the leader's value, that is known well enough
_DROPPED = 2.0  # standard errors behind the leader with which a setting is given up


@dataclass(frozen=True)
class Trial:
    """One setting that was tried.

    Attributes:
        component: The model and the setting.
        value: The metric on validation; None where the model cannot be trained with it.
        seconds: Wall time of fit and measurement.
        cut: The validation cut, from 0.
    """

    component: Component
    value: float | None
    seconds: float
    cut: int = 0


@dataclass(eq=False)
class Setting:
    """A setting of a model, and each user's metric on the cuts on which it was measured.

    Attributes:
        component: The model and the setting.
        seconds: What a fit and a measurement are estimated to take.
        measured: Cut to the values of its users.
    """

    component: Component
    seconds: float
    measured: dict[int, UserValues] = field(default_factory=dict)

    @property
    def first(self) -> float:
        """Return the mean on the first cut."""
        return self.measured[0].mean

    @property
    def mean(self) -> float:
        """Return the mean over the users of all its cuts."""
        return self.mean_on(len(self.measured))

    def mean_on(self, cuts: int) -> float:
        """Return the mean over the users of the first few cuts; minus infinity without users."""
        values = np.concatenate([self.measured[cut].values for cut in range(cuts)])
        return float(values.mean()) if len(values) else float("-inf")


@dataclass(eq=False)
class Runner:
    """A model in the search, with the settings that could be trained, in the order in which they were tried."""

    tunable: Tunable
    settings: list[Setting] = field(default_factory=list)

    @property
    def best(self) -> Setting:
        """Return the setting with the highest mean on the first cut; ties go to the earlier one."""
        return max(self.settings, key=lambda one: one.first)


def choose_setting(runner: Runner) -> Setting:
    """Return the setting to take: of those within a standard error of the best, the one that was tried first.

    The best of many is partly luck, the more of them there are: what was tried later must be ahead by more.
    """
    known = len(runner.settings[0].measured)
    running = [one for one in runner.settings if len(one.measured) == known]
    leader = max(running, key=lambda one: one.mean)
    tried = len(runner.settings)
    return next(one for one in running if one is leader or _behind(leader, one).within(tried))


def is_known(runners: Sequence[Runner]) -> bool:
    """Return whether the difference between the two best models' defaults is known well enough."""
    ranked = sorted((one.settings[0] for one in runners), key=lambda one: one.mean, reverse=True)
    if len(ranked) < 2:
        return True
    return _behind(ranked[0], ranked[1]).standard_error <= _PRECISION * ranked[0].mean


def is_behind(setting: Setting, leader: Setting) -> bool:
    """Return whether a setting is so far behind another one that it is given up."""
    gap = _behind(leader, setting)
    return gap.mean > _DROPPED * gap.standard_error


def _behind(leader: Setting, other: Setting) -> Paired:
    """Return how far a setting is behind another one, on the cuts on which both were measured."""
    cuts = [cut for cut in leader.measured if cut in other.measured]
    differences = [leader.measured[cut].values - other.measured[cut].values for cut in cuts]
    return pool_differences([leader.measured[cut].users for cut in cuts], differences)
