"""Hyper-parameters chosen on validation: cheap settings first, then what pays, then the best again on further cuts."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nightschool.errors import NightschoolError
from nightschool.night.selection.drawing import SettingSampler
from nightschool.night.selection.evaluators import Create, Evaluators, Fitted
from nightschool.night.selection.search import Tunable, densities
from nightschool.night.selection.trials import Runner, Setting, Trial, choose_setting, is_behind, is_known
from nightschool.progress import watch
from nightschool.recipe import Component
from nightschool.vocabulary import CONTENT

logger = logging.getLogger("nightschool.night")

_MOST_DRAWN = 60  # of one model; more have never been seen to pay
_REPEATED = 0.4  # share of the budget for the defaults of all models on several cuts, and for blending them
LEAST_SECONDS = 20.0  # for the same, however small the budget is
_PROMISING = 0.7  # of the best model's first value, from which on a model's settings are searched
_COSTLY = 0.1  # of the first round and
_SECONDS = 1.0  # from which on a model that is not promising is left out
_RACED = 0.4  # share of a model's seconds for measuring its best settings on further cuts
_FINALISTS = 4  # settings of a model that are measured on further cuts
_LEAST_CUTS = 3  # from which on more depend on what is known: users tell little of how one month differs from another


@dataclass(frozen=True)
class Tuned:
    """What the search found.

    Attributes:
        fitted: The chosen setting of each model, fitted on the first cut.
        elsewhere: For each of them, the same setting fitted on further cuts, by cut; empty where it is not kept.
        trials: Every setting that was tried, in order.
        failures: Model to the reason for which it was left out.
        cuts: How many cuts the best settings were measured on.
        by_default: The best model's mean over these cuts with defaults.
        by_choice: The best model's with the chosen settings.
    """

    fitted: list[Fitted]
    elsewhere: Sequence[Mapping[int, Fitted]]
    trials: list[Trial]
    failures: dict[str, str]
    cuts: int
    by_default: float
    by_choice: float


class Tuner:
    """A tuner, which spends a budget of estimated seconds where validation says that it pays.

    The estimates follow from the data's shape, so that the settings that are tried do not depend on the machine's
    speed. First every model is measured with its defaults, on as many cuts as it takes to tell the best ones apart.
    Then settings of the promising models are drawn and measured on the first cut, the cheap models first. The best of
    them are measured on the other cuts, where those that fall behind are given up: a race as in Maron and Moore,
    "Hoeffding Races", NIPS 1993, with paired differences.

    Args:
        evaluators: The validation cuts.
        create: Creates a model with hyper-parameters.
        seconds: The budget; 0 to try the defaults alone, on one cut.
        seed: Seed of the sampler and of every fit.
    """

    def __init__(self, evaluators: Evaluators, create: Create, seconds: float, seed: int) -> None:
        self._evaluators = evaluators
        self._create = create
        self._seconds = self._left = seconds
        self._seed = seed
        self._best: dict[str, Fitted] = {}
        self._defaults: dict[str, dict[int, Fitted]] = {}
        self._trials: list[Trial] = []
        self._failures: dict[str, str] = {}

    def tune(self, tunables: Sequence[Tunable]) -> Tuned:
        """Return the chosen setting of each model, fitted, and everything that was tried."""
        entered = [one for one in map(self._enter, watch(tunables, "models", len(tunables))) if one.settings]
        runners = self._worth_their_seconds(entered)
        cuts = self._repeat(runners)
        self._search(runners, cuts)
        by_default = max((one.settings[0].mean for one in runners), default=float("nan"))
        chosen = [choose_setting(one) for one in runners]
        by_choice = max((one.mean for one in chosen), default=float("nan"))
        fitted = [self._fitted(one) for one in chosen]
        elsewhere = [
            self._defaults.get(one.component.model, {}) if one is runner.settings[0] else {}
            for one, runner in zip(chosen, runners, strict=True)
        ]
        return Tuned(fitted, elsewhere, self._trials, self._failures, cuts, by_default, by_choice)

    @property
    def _has_users(self) -> bool:
        """Return whether the first cut has users to measure on."""
        return len(self._evaluators[0].users) > 0

    def _enter(self, tunable: Tunable) -> Runner:
        """Measure a model's defaults on the first cut; without settings where it cannot be trained."""
        runner = Runner(tunable)
        try:
            self._try(runner, tunable.fixed)
        except NightschoolError as error:
            self._failures[tunable.model] = str(error)
            logger.warning("%s is left out tonight: %s", tunable.model, error)
        except Exception as error:
            self._failures[tunable.model] = f"{type(error).__name__}: {error}"
            logger.exception("%s is left out tonight", tunable.model)
        return runner

    def _worth_their_seconds(self, runners: Sequence[Runner]) -> list[Runner]:
        """Leave out what is far behind and takes much of the time: further cuts, and a blend, would fit it again."""
        best = max((one.settings[0].first for one in runners), default=0.0)
        kept = list(runners)
        for runner in sorted(runners, key=lambda one: -one.settings[0].seconds):
            first = runner.settings[0]
            total = sum(one.settings[0].seconds for one in kept)
            costly = first.seconds > max(_COSTLY * total, _SECONDS)
            if runner.tunable.dispensable and costly and first.first < _PROMISING * best:
                kept.remove(runner)
                self._failures[runner.tunable.model] = (
                    f"given up: it has {first.first:.4f} where the best has {best:.4f}, for {first.seconds:.1f} s a fit"
                )
        return kept

    def _repeat(self, runners: list[Runner]) -> int:
        """Measure every model's defaults on further cuts; return how many cuts there are then, the first included.

        A model that cannot be trained on one of them is removed.

        A cut is begun where the budget's share for it holds two fits of every model: to measure it, and to blend what
        will be chosen. After some cuts, which tell how the data change, that ends when the two best models' difference
        is known well enough.
        """
        first_round = sum(one.settings[0].seconds for one in runners)
        left = max(_REPEATED * self._seconds, LEAST_SECONDS) - first_round
        cut = 1
        if self._seconds <= 0:
            return cut
        # The budget is asked first: to count the cuts takes seconds on millions of rows.
        while 2 * first_round <= left and cut < len(self._evaluators) and self._has_users:
            if cut >= _LEAST_CUTS and is_known(runners):
                break
            left -= 2 * first_round
            self._left -= first_round
            for runner in list(runners):
                fitted = self._measure_or_none(runner.settings[0], cut)
                if fitted is None:
                    runners.remove(runner)
                else:
                    self._defaults.setdefault(runner.tunable.model, {})[cut] = fitted
            cut += 1
        return cut

    def _search(self, runners: Sequence[Runner], cuts: int) -> None:
        """Try settings of the promising models, the cheap ones first; what one leaves is divided among the others.

        Content is tried however far behind it is: it is there to add what others do not know.
        """
        if self._seconds <= 0 or not self._has_users:
            return
        floor = _PROMISING * max((one.settings[0].mean for one in runners), default=0.0)
        promising = [one for one in runners if one.settings[0].mean >= floor or one.tunable.model == CONTENT]
        searched = [one for one in promising if one.tunable.space]
        searched.sort(key=lambda one: one.settings[0].seconds)
        for place, runner in enumerate(watch(searched, "search", len(searched))):
            share = max(self._left, 0.0) / (len(searched) - place)
            until = self._left - share
            self._draw(runner, until + (share * _RACED if cuts > 1 else 0.0))
            self._race(runner, cuts, until)

    def _draw(self, runner: Runner, until: float) -> None:
        """Try settings that suited similar data, then drawn ones, until so much of the budget is left."""
        tunable = runner.tunable
        free = tunable.space.keys() | densities(tunable.space)
        for start in tunable.starts:
            drawn = {name: value for name, value in start.items() if name in free}
            is_new = any(value != tunable.defaults.get(name) for name, value in drawn.items())
            if is_new and self._left - tunable.seconds(drawn) >= until:
                self._try_or_none(runner, drawn)
        sampler = SettingSampler(runner, self._seed)
        for _ in range(_MOST_DRAWN):
            if self._left - runner.settings[0].seconds < until:
                return
            drawn = sampler.draw()
            if self._left - tunable.seconds(drawn) < until:
                sampler.tell(None)
                continue
            tried = self._try_or_none(runner, drawn)
            sampler.tell(None if tried is None else tried.first)

    def _race(self, runner: Runner, cuts: int, until: float) -> None:
        """Measure the best of the tried settings on the further cuts; give those up that fall behind."""
        tried = sorted(runner.settings[1:], key=lambda one: one.first, reverse=True)
        left, finalists = self._left - until, []
        for setting in tried[:_FINALISTS]:
            needed = setting.seconds * (cuts - 1)
            if needed <= left:
                left -= needed
                finalists.append(setting)
        for cut in range(1, cuts):
            finalists = [one for one in finalists if self._measure_or_none(one, cut)]
            leader = max([runner.settings[0], *finalists], key=lambda one: one.mean_on(cut + 1))
            finalists = [one for one in finalists if one is leader or not is_behind(one, leader)]

    def _fitted(self, chosen: Setting) -> Fitted:
        """Return a setting fitted on the first cut."""
        best = self._best[chosen.component.model]
        return best if best.component == chosen.component else self._evaluators[0].fit(chosen.component, self._create)

    def _try_or_none(self, runner: Runner, drawn: Mapping[str, Any]) -> Setting | None:
        """Fit and measure a setting on the first cut; return None where the model cannot be trained with it."""
        params = {**runner.tunable.fixed, **drawn}
        try:
            return self._try(runner, params)
        except NightschoolError as error:
            logger.info("%s cannot be trained with %s: %s", runner.tunable.model, params, error)
        except Exception:
            logger.exception("%s cannot be trained with %s", runner.tunable.model, params)
        self._trials.append(Trial(Component(model=runner.tunable.model, params=params), None, 0.0))
        return None

    def _try(self, runner: Runner, params: Mapping[str, Any]) -> Setting:
        tunable = runner.tunable
        setting = Setting(Component(model=tunable.model, params=params), tunable.seconds(params))
        fitted = self._measure(setting, 0)
        if not runner.settings or setting.first > runner.best.first:
            self._best[tunable.model] = fitted
        runner.settings.append(setting)
        return setting

    def _measure_or_none(self, setting: Setting, cut: int) -> Fitted | None:
        """Fit and measure a setting on a further cut; return None, and say why, where it cannot be trained there."""
        model = setting.component.model
        try:
            return self._measure(setting, cut)
        except NightschoolError as error:
            self._failures[model] = f"on an earlier validation cut: {error}"
            logger.warning("%s cannot be trained on validation cut %d: %s", model, cut + 1, error)
        except Exception as error:
            self._failures[model] = f"on an earlier validation cut: {type(error).__name__}: {error}"
            logger.exception("%s cannot be trained on validation cut %d", model, cut + 1)
        return None

    def _measure(self, setting: Setting, cut: int) -> Fitted:
        """Fit and measure a setting on a cut, and take its estimated seconds from the budget."""
        started = time.perf_counter()
        self._left -= setting.seconds
        fitted = self._evaluators[cut].fit(setting.component, self._create)
        setting.measured[cut] = self._evaluators[cut].ndcg(fitted.recommender)
        seconds = time.perf_counter() - started
        self._trials.append(Trial(setting.component, setting.measured[cut].mean, seconds, cut))
        return fitted
