"""Hyper-parameters chosen on validation: the defaults first, then as many trials as the budget allows."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from nightschool.contract import Component, Recipe, Recommender, Space, Span
from nightschool.errors import NightschoolError

logger = logging.getLogger("nightschool.night")
optuna.logging.set_verbosity(optuna.logging.WARNING)

_DRAWN_AT_RANDOM = 4  # trials before the sampler follows what it has seen


@dataclass(frozen=True)
class Tunable:
    """A model and what may be tried of it.

    Attributes:
        model: Its name in the catalogue.
        fixed: The hyper-parameters that are not searched.
        space: Those that are; empty: only the defaults are tried.
        defaults: The value that each of those has of its own.
    """

    model: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    space: Space = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Budget:
    """How long one model may be searched: whichever ends first.

    Attributes:
        trials: Settings besides the defaults.
        seconds: Wall time; no trial begins that is not likely to end within it.
    """

    trials: int
    seconds: float


@dataclass(frozen=True)
class Fitted:
    """A model with one setting, fitted on train.

    Attributes:
        component: The model and its setting.
        recommender: The same, fitted.
        fit_seconds: Wall time of the fit.
    """

    component: Component
    recommender: Recommender
    fit_seconds: float

    @property
    def recipe(self) -> Recipe:
        """The model alone."""
        return Recipe(components=(self.component,))


@dataclass(frozen=True)
class Trial:
    """One setting that was tried.

    Attributes:
        component: The model and the setting.
        value: What it measured on validation; None where the model cannot be trained with it.
        seconds: Wall time of fit and measurement.
    """

    component: Component
    value: float | None
    seconds: float


class Tuner:
    """Tries settings of one model after another.

    Args:
        fit: Trains a component.
        measure: What decides, higher is better.
        budget: How long each model may be searched.
        seed: Seed of what is drawn.
    """

    def __init__(
        self, fit: Callable[[Component], Fitted], measure: Callable[[Recommender], float], budget: Budget, seed: int
    ) -> None:
        self._fit = fit
        self._measure = measure
        self._budget = budget
        self._seed = seed

    def tune(self, tunable: Tunable) -> tuple[Fitted, list[Trial]]:
        """The setting that measured highest, fitted, and all that were tried; ties go to the earlier one.

        Settings are drawn by a tree-structured Parzen estimator: Bergstra et al., "Algorithms for Hyper-Parameter
        Optimization", NeurIPS 2011, as Optuna implements it.

        Raises:
            NightschoolError: The model cannot be trained with its defaults.
        """
        deadline = time.perf_counter() + self._budget.seconds
        component = Component(model=tunable.model, params=tunable.fixed)
        if not tunable.space or not self._budget.trials:
            return self._fit(component), []
        best, highest, seconds = self._try(component)
        trials = [Trial(component, highest, seconds)]
        distributions = {name: _distribution(values) for name, values in tunable.space.items()}
        study = self._study(tunable, distributions, highest)
        while len(trials) <= self._budget.trials:
            if time.perf_counter() + max(trial.seconds for trial in trials) > deadline:
                break
            asked = study.ask(distributions)
            drawn = {name: _rounded(value) for name, value in asked.params.items()}
            component = Component(model=tunable.model, params={**tunable.fixed, **drawn})
            try:
                fitted, value, seconds = self._try(component)
            except NightschoolError as error:
                logger.info("%s cannot be trained with %s: %s", tunable.model, drawn, error)
                study.tell(asked, state=optuna.trial.TrialState.FAIL)
                trials.append(Trial(component, None, 0.0))
                continue
            study.tell(asked, value)
            trials.append(Trial(component, value, seconds))
            if value > highest:
                best, highest = fitted, value
        return best, trials

    def _try(self, component: Component) -> tuple[Fitted, float, float]:
        """The component fitted, what it measured, and the seconds of both."""
        started = time.perf_counter()
        fitted = self._fit(component)
        value = self._measure(fitted.recommender)
        return fitted, value, time.perf_counter() - started

    def _study(self, tunable: Tunable, distributions: Mapping[str, BaseDistribution], value: float) -> optuna.Study:
        """A study that knows what the defaults measured."""
        sampler = optuna.samplers.TPESampler(seed=self._seed, n_startup_trials=_DRAWN_AT_RANDOM)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        known = {name: tunable.defaults[name] for name in distributions}
        study.add_trial(optuna.create_trial(params=known, distributions=dict(distributions), value=value))
        return study


def _distribution(values: Span | tuple[Any, ...]) -> BaseDistribution:
    if not isinstance(values, Span):
        return CategoricalDistribution(values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return IntDistribution(values.low, values.high, log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _rounded(value: Any) -> Any:
    """Three digits are all that a reader compares, and as much as the data tell."""
    return float(f"{value:.3g}") if isinstance(value, float) else value
