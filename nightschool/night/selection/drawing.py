"""Drawing of a model's settings by a sampler that learns from those that were tried."""

from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from nightschool.contract import Span
from nightschool.night.selection.trials import Runner

optuna.logging.set_verbosity(optuna.logging.WARNING)

_DRAWN_AT_RANDOM = 4  # trials before the sampler uses earlier results


class SettingSampler:
    """A tree-structured Parzen estimator over the settings of a model, which knows those that were tried.

    Bergstra, Bardenet, Bengio and Kégl, "Algorithms for Hyper-Parameter Optimization", NIPS 2011, as Optuna implements
    it.

    Args:
        runner: The model and the settings that were tried.
        seed: Seed of the draws.
    """

    def __init__(self, runner: Runner, seed: int) -> None:
        self._space = {name: _distribution(values) for name, values in runner.tunable.space.items()}
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_DRAWN_AT_RANDOM)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        for tried in runner.settings:
            known = {name: tried.component.params.get(name, runner.tunable.defaults[name]) for name in self._space}
            trial = optuna.create_trial(params=known, distributions=self._space, value=tried.first)
            self._study.add_trial(trial)

    def draw(self) -> dict[str, Any]:
        """Draw a setting, its numbers rounded to three significant digits; tell its value before the next one."""
        self._asked = self._study.ask(self._space)
        return {name: _rounded(value) for name, value in self._asked.params.items()}

    def tell(self, value: float | None) -> None:
        """Tell the value of the setting that was drawn last; None where it was not measured."""
        if value is None:
            self._study.tell(self._asked, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(self._asked, value)


def _distribution(values: Span | tuple[Any, ...]) -> BaseDistribution:
    if not isinstance(values, Span):
        return CategoricalDistribution(values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return IntDistribution(values.low, values.high, log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _rounded(value: Any) -> Any:
    """Round a number to three significant digits: the data support no more."""
    return float(f"{value:.3g}") if isinstance(value, float) else value
