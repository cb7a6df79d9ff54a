import math

import pytest

from nightschool.contract import Span
from nightschool.errors import NightschoolError
from nightschool.night.selection.tuning import Budget, Fitted, Tunable, Tuner
from nightschool.recipe import Component

HILL = Tunable("hill", {"slope": 1}, {"place": Span(0.0, 10.0)}, {"place": 2.0})


class Hill:
    """Measures best where its place is 7."""

    def __init__(self, params):
        self.height = -abs(params.get("place", 2.0) - 7.0)


def fit(component: Component) -> Fitted:
    return Fitted(component, Hill(component.params), 0.0)  # type: ignore[arg-type]


def tuner(trials=20, seconds=60.0, fit=fit, seed=0):
    return Tuner(fit, lambda recommender: recommender.height, Budget(trials, seconds), seed)


def test_the_defaults_come_first_and_the_best_setting_is_found():
    best, trials = tuner().tune(HILL)
    assert trials[0].component.params == {"slope": 1}
    assert trials[0].value == -5.0
    assert len(trials) == 21
    assert best.component.params["slope"] == 1
    assert abs(best.component.params["place"] - 7) < 0.5
    assert -abs(best.component.params["place"] - 7) == max(trial.value for trial in trials)


def test_the_same_seed_tries_the_same_settings():
    tried = [[trial.component.params for trial in tuner(trials=6).tune(HILL)[1]] for _ in range(2)]
    assert tried[0] == tried[1]
    other = [trial.component.params for trial in tuner(trials=6, seed=1).tune(HILL)[1]]
    assert tried[0] != other


def test_settings_are_numbers_of_three_digits_that_a_reader_can_compare():
    _, trials = tuner(trials=5).tune(HILL)
    assert all(len(f"{trial.component.params['place']:g}".replace(".", "").lstrip("0")) <= 3 for trial in trials[1:])


@pytest.mark.parametrize(("space", "kind"), [(Span(1, 9), int), (Span(0.1, 9.0, log=True), float), (("a", "b"), str)])
def test_values_are_of_the_kind_of_their_space(space, kind):
    defaults = {int: 1, float: 0.1, str: "a"}
    tunable = Tunable("any", {}, {"place": space}, {"place": defaults[kind]})
    seen = []

    def noted(component):
        seen.append(component.params.get("place"))
        return Fitted(component, Hill({}), 0.0)  # type: ignore[arg-type]

    tuner(trials=4, fit=noted).tune(tunable)
    assert {type(value) for value in seen[1:]} == {kind}


def test_a_setting_that_cannot_be_trained_is_a_failed_trial_and_the_search_goes_on():
    def picky(component):
        if component.params.get("place", 2.0) > 5:
            raise NightschoolError("too steep", seen=component.params, do="nothing")
        return fit(component)

    best, trials = tuner(trials=12, fit=picky).tune(HILL)
    assert any(trial.value is None for trial in trials)
    assert len(trials) == 13
    assert best.component.params.get("place", 2.0) <= 5


def test_defaults_that_cannot_be_trained_leave_the_model_out():
    def broken(component):
        raise NightschoolError("no", seen=0, do="nothing")

    with pytest.raises(NightschoolError, match="no"):
        tuner(fit=broken).tune(HILL)


def test_no_trial_begins_that_is_not_likely_to_end_in_time(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("nightschool.night.selection.tuning.time.perf_counter", lambda: float(next(clock) * 2))
    _, trials = tuner(trials=100, seconds=21.0).tune(HILL)
    assert 2 <= len(trials) <= 5
    assert math.fsum(trial.seconds for trial in trials) <= 21


def test_a_setting_that_would_cost_more_than_is_left_is_passed_over():
    slow = Tunable("hill", {}, {"size": Span(1, 1000, slows=True)}, {"size": 1})
    sizes = []

    def growing(component):
        sizes.append(component.params.get("size", 1))
        return Fitted(component, Hill({}), 1.0 * sizes[-1])  # type: ignore[arg-type]

    _, trials = tuner(trials=40, seconds=100.0, fit=growing).tune(slow)
    assert 1 < len(trials) == len(sizes) < 40
    assert max(sizes) <= 101


def test_seconds_that_one_model_leaves_or_takes_are_the_others_to_share(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("nightschool.night.selection.tuning.time.perf_counter", lambda: now[0])

    def taking(component):
        now[0] += component.params["seconds"]
        return fit(component)

    def trials_of(*seconds):
        """How many settings are tried of models that take so long, one after the other, in 30 seconds together."""
        tuning = Tuner(taking, lambda recommender: recommender.height, Budget(20, 30.0, len(seconds)), 0)
        models = [Tunable("hill", {"seconds": one}, HILL.space, HILL.defaults) for one in seconds]
        return [len(tuning.tune(model)[1]) for model in models]

    assert trials_of(1.0, 1.0, 1.0) == [10, 10, 10]
    assert trials_of(0.125, 1.0, 1.0) == [21, 13, 14]
    assert trials_of(20.0, 1.0, 1.0) == [1, 5, 5]
    assert trials_of(40.0, 1.0) == [1, 1]


@pytest.mark.parametrize(("tunable", "trials"), [(Tunable("hill"), 9), (HILL, 0)])
def test_without_a_space_or_trials_the_defaults_are_fitted_once(tunable, trials):
    best, tried = tuner(trials=trials).tune(tunable)
    assert tried == []
    assert best.component.params == tunable.fixed


def test_a_search_that_is_repeated_tries_the_same_settings_whatever_time_they_take():
    best, trials = tuner(trials=6).tune(HILL)
    tried = [trial.component for trial in trials]
    again = Tuner(fit, lambda recommender: recommender.height, Budget(6, 0.0), 7, tried)
    found, repeated = again.tune(HILL)
    assert found.component == best.component
    assert [(trial.component, trial.value) for trial in repeated] == [(t.component, t.value) for t in trials]


def test_a_repeated_setting_that_cannot_be_trained_is_a_failed_trial_again():
    def picky(component):
        if component.params.get("place", 2.0) > 5:
            raise NightschoolError("too steep", seen=component.params, do="nothing")
        return fit(component)

    _, trials = tuner(trials=12, fit=picky).tune(HILL)
    tried = [trial.component for trial in trials]
    _, repeated = Tuner(picky, lambda recommender: recommender.height, Budget(12, 0.0), 0, tried).tune(HILL)
    assert [trial.value for trial in repeated] == [trial.value for trial in trials]
    assert None in [trial.value for trial in repeated]


def test_a_model_that_the_repeated_search_left_out_is_left_out():
    with pytest.raises(NightschoolError, match="hill was left out when the recipe was searched"):
        Tuner(fit, lambda recommender: recommender.height, Budget(3, 60.0), 0, [Component(model="ease")]).tune(HILL)


def test_a_model_without_a_space_is_fitted_once_in_a_repeat_too():
    best, trials = Tuner(fit, lambda recommender: 0.0, Budget(3, 60.0), 0, []).tune(Tunable("plain"))
    assert (best.component.model, trials) == ("plain", [])
