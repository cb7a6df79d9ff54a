"""Hyper-parameters chosen on validation: the defaults first, then as many trials as the budget allows."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from nightschool.contract import Recommender, Space, Span
from nightschool.errors import NightschoolError
from nightschool.recipe import Component, Recipe

logger = logging.getLogger("nightschool.night")
optuna.logging.set_verbosity(optuna.logging.WARNING)

_DRAWN_AT_RANDOM = 4  # trials before the sampler uses earlier results
_FAIL = optuna.trial.TrialState.FAIL


@dataclass(frozen=True)
class Tunable:
    """A model and the hyper-parameter values that may be tried.

    Attributes:
        model: Its name in the catalogue.
        fixed: The hyper-parameters that are not searched, with their values.
        space: The hyper-parameters that are searched; where empty, only the defaults are tried.
        defaults: The default of each hyper-parameter.
        personal: Whether it ranks differently for different users.
    """

    model: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    space: Space = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    personal: bool = True


@dataclass(frozen=True)
class Budget:
    """Limits of the search: number of settings and wall time, whichever is reached first.

    Attributes:
        trials: Settings drawn of each model, in addition to the defaults.
        seconds: Wall time of all models together; a setting that is not likely to end within its model's share is not
            tried.
        models: How many models share the seconds. What one leaves, or exceeds, is divided among the others.
    """

    trials: int
    seconds: float
    models: int = 1


@dataclass(frozen=True)
class Fitted:
    """A model with one setting, fitted on train.

    Attributes:
        component: The model and its setting.
        recommender: The fitted model.
        fit_seconds: Wall time of the fit.
    """

    component: Component
    recommender: Recommender
    fit_seconds: float

    @property
    def recipe(self) -> Recipe:
        """The recipe of this model alone."""
        return Recipe(components=(self.component,))


@dataclass(frozen=True)
class Trial:
    """One setting that was tried.

    Attributes:
        component: The model and the setting.
        value: The metric on validation; None where the model cannot be trained with it.
        seconds: Wall time of fit and measurement.
    """

    component: Component
    value: float | None
    seconds: float


class _Tried(NamedTuple):
    """A fitted setting, its metric on validation, and the seconds of fit and measurement."""

    fitted: Fitted
    value: float
    seconds: float

    @property
    def trial(self) -> Trial:
        return Trial(self.fitted.component, self.value, self.seconds)

    def seconds_with(self, tunable: Tunable, drawn: Mapping[str, Any]) -> float:
        """Estimate the seconds that another setting takes, from those that the defaults took."""
        costs = [name for name, values in tunable.space.items() if isinstance(values, Span) and values.slows]
        times_as_long = math.prod(float(drawn[name] / tunable.defaults[name]) for name in costs)
        return self.seconds + self.fitted.fit_seconds * (times_as_long - 1)


class Tuner:
    """A tuner, which tries settings of one model after another.

    Args:
        fit: Fits a component on train.
        measure: Computes the deciding metric; higher is better.
        budget: How long all models may be searched.
        seed: Seed of the sampler.
        repeated: The settings that an earlier search tried, of all models; they are tried again in place of
            drawing new ones, however long they take. None to search.
    """

    def __init__(
        self,
        fit: Callable[[Component], Fitted],
        measure: Callable[[Recommender], float],
        budget: Budget,
        seed: int,
        repeated: Sequence[Component] | None = None,
    ) -> None:
        self._fit = fit
        self._measure = measure
        self._budget = budget
        self._seed = seed
        self._repeated = repeated
        self._seconds_left = budget.seconds
        self._models_left = budget.models

    def tune(self, tunable: Tunable) -> tuple[Fitted, list[Trial]]:
        """Return the best setting of a model, fitted, and every trial; ties go to the earlier setting.

        Settings are drawn by a tree-structured Parzen estimator: Bergstra et al., "Algorithms for Hyper-Parameter
        Optimization", NeurIPS 2011, as Optuna implements it.

        Raises:
            NightschoolError: The model cannot be trained with its defaults, or the repeated search left it out.
        """
        if not tunable.space or not self._budget.trials:
            return self._fit(Component(model=tunable.model, params=tunable.fixed)), []
        if self._repeated is not None:
            return self._repeat([one for one in self._repeated if one.model == tunable.model], tunable)
        started = time.perf_counter()
        share = max(self._seconds_left, 0.0) / max(self._models_left, 1)
        try:
            return self._search(tunable, started + share)
        finally:
            self._seconds_left -= time.perf_counter() - started
            self._models_left -= 1

    def _search(self, tunable: Tunable, deadline: float) -> tuple[Fitted, list[Trial]]:
        first = best = self._try(Component(model=tunable.model, params=tunable.fixed))
        trials = [first.trial]
        study = self._study(tunable, first.value)
        slowest = 1.0  # largest ratio of actual to expected seconds
        for _ in range(self._budget.trials):
            if time.perf_counter() + first.seconds > deadline:
                break
            asked = study.ask(_distributions(tunable.space))
            drawn = {name: _rounded(value) for name, value in asked.params.items()}
            likely = slowest * first.seconds_with(tunable, drawn)
            if time.perf_counter() + likely > deadline:
                study.tell(asked, state=_FAIL)
                continue
            component = Component(model=tunable.model, params={**tunable.fixed, **drawn})
            tried = self._try_or_none(component)
            if tried is None:
                study.tell(asked, state=_FAIL)
                trials.append(Trial(component, None, 0.0))
                continue
            slowest = max(slowest, tried.seconds / first.seconds_with(tunable, drawn))
            study.tell(asked, tried.value)
            trials.append(tried.trial)
            best = max(best, tried, key=lambda one: one.value)
        return best.fitted, trials

    def _repeat(self, components: Sequence[Component], tunable: Tunable) -> tuple[Fitted, list[Trial]]:
        if not components:
            raise NightschoolError(f"{tunable.model} was left out when the recipe was searched", do="search it again")
        best = self._try(components[0])
        trials = [best.trial]
        for component in components[1:]:
            tried = self._try_or_none(component)
            trials.append(Trial(component, None, 0.0) if tried is None else tried.trial)
            best = best if tried is None else max(best, tried, key=lambda one: one.value)
        return best.fitted, trials

    def _try_or_none(self, component: Component) -> _Tried | None:
        """Fit and measure a setting; return None where the model cannot be trained with it."""
        try:
            return self._try(component)
        except NightschoolError as error:
            logger.info("%s cannot be trained with %s: %s", component.model, dict(component.params), error)
            return None

    def _try(self, component: Component) -> _Tried:
        started = time.perf_counter()
        fitted = self._fit(component)
        value = self._measure(fitted.recommender)
        return _Tried(fitted, value, time.perf_counter() - started)

    def _study(self, tunable: Tunable, value: float) -> optuna.Study:
        """Create an Optuna study that already holds the trial of the defaults."""
        sampler = optuna.samplers.TPESampler(seed=self._seed, n_startup_trials=_DRAWN_AT_RANDOM)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        known = {name: tunable.defaults[name] for name in tunable.space}
        study.add_trial(optuna.create_trial(params=known, distributions=_distributions(tunable.space), value=value))
        return study


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    return {name: _distribution(values) for name, values in space.items()}


def _distribution(values: Span | tuple[Any, ...]) -> BaseDistribution:
    if not isinstance(values, Span):
        return CategoricalDistribution(values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return IntDistribution(values.low, values.high, log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _rounded(value: Any) -> Any:
    """Round a number to three significant digits: the data support no more."""
    return float(f"{value:.3g}") if isinstance(value, float) else value
