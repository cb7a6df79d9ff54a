from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl

from nightschool.application.search import search_for
from nightschool.contract import Span
from nightschool.data.shape import Shape
from nightschool.errors import NightschoolError
from nightschool.night.config import NightConfig
from nightschool.night.selection.evaluators import Evaluators
from nightschool.night.selection.search import Search, Tunable
from nightschool.night.selection.tuning import Tuner
from nightschool.testing.datasets import two_tastes

SPACE = {"place": Span(0.0, 10.0)}
HILL = Tunable("hill", {"slope": 1}, SPACE, {"place": 2.0}, seconds=lambda _: 1.0)


class Hill:
    """Finds the hit first for the more users, the nearer its place is to 7; with luck, for some others too."""

    note = None

    def __init__(self, params):
        share = 1 - abs(params.get("place", 2.0) - 7) / 10
        self.found = np.random.default_rng(5).permutation(400) < 400 * share

    def fit(self, dataset, *, seed):
        return self

    def score(self, users):
        hit = np.where(users % 10 == 0, 2, 1)
        scores = np.tile(np.array([0, 1, 1, 5], dtype=np.float32), (len(users), 1))
        scores[np.arange(len(users)), hit] = np.where(self.found[users], 9, 0)
        return scores


def hill(_model, params):
    return Hill(params)


def search(seconds=40.0, **changes):
    plain = Search((), seconds, alphas=(), cutoffs=(1, 10), seed=0, megabytes=1, max_users=1000)
    return replace(plain, **changes)


def tune(cuts, *tunables, create=hill, **changes):
    asked = search(**changes)
    return Tuner(Evaluators(cuts, asked), create, asked.seconds, asked.seed).tune(tunables)


def places(found, model="hill"):
    """The values that were tried, those that could not be trained among them."""
    return [trial.component.params.get("place") for trial in found.trials if trial.component.model == model]


def test_the_defaults_come_first_and_the_best_setting_is_found(split):
    found = tune([split], HILL)
    assert found.trials[0].component.params == {"slope": 1}
    chosen = found.fitted[0].component.params
    assert chosen["slope"] == 1
    assert abs(chosen["place"] - 7) < 1
    assert found.trials[0].value < max(trial.value for trial in found.trials[1:])


def test_so_many_settings_are_tried_as_the_budget_holds(split):
    assert len(tune([split], HILL, seconds=21.0).trials) == 21
    assert len(tune([split], HILL, seconds=0.0).trials) == 1


def test_at_three_million_rows_the_minutes_of_a_night_try_more_than_one_setting_of_more_than_one_model(
    split, monkeypatch
):
    seed_scale = Shape(users=85_708, items=9_889, pairs=2_402_790, item_pairs=166_978_516, user_pairs=1_276_066_944)
    monkeypatch.setattr(Shape, "of", lambda _: seed_scale)
    asked = search_for(NightConfig(), two_tastes())
    strong = ("dlae", "ials", "gfcf", "itemknn")

    def create(model, _params):
        return Hill({"place": 5.0 if model in strong else 15.0})

    found = tune([split], *asked.tunables, create=create, seconds=asked.seconds)
    tried = Counter(trial.component.model for trial in found.trials)
    assert {"ials", "itemknn"} <= {model for model, settings in tried.items() if settings > 1}


def test_settings_do_not_depend_on_the_clock_but_on_the_seed(split):
    first, again, other = (places(tune([split], HILL, seed=seed)) for seed in (0, 0, 1))
    assert first == again != other


def test_settings_that_suited_similar_data_are_tried_before_any_is_drawn(split):
    found = tune([split], replace(HILL, starts=({"place": 6.5}, {"place": 2.0}, {"place": 4.0})), seconds=21.0)
    assert places(found)[1:3] == [6.5, 4.0]  # 2.0 is the default, which was tried


def test_a_setting_that_would_cost_more_than_is_left_is_passed_over(split):
    slow = replace(HILL, space={"size": Span(1, 1000)}, defaults={"size": 1}, seconds=lambda p: 0.1 * p.get("size", 1))
    sizes = [trial.component.params.get("size", 1) for trial in tune([split], slow, seconds=100.0).trials]
    assert len(sizes) > 2
    assert 0.1 * sum(sizes) <= 100


def test_a_model_far_behind_that_takes_long_is_left_out_with_a_reason(split):
    behind = replace(HILL, model="behind", fixed={"place": 17.0}, dispensable=True, seconds=lambda _: 2.0)
    found = tune([split], behind, HILL, seconds=0.0)
    assert [one.component.model for one in found.fitted] == ["hill"]
    assert found.failures["behind"].startswith("given up: it has 0.")
    assert found.failures["behind"].endswith("for 2.0 s a fit")


def test_a_model_far_behind_is_not_searched_and_what_one_leaves_goes_to_the_others(split):
    behind = replace(HILL, model="behind", fixed={"place": 17.0}, seconds=lambda _: 0.01)
    cheap = replace(HILL, model="cheap", space={"place": (1.0, 2.0, 3.0)}, seconds=lambda _: 0.01)
    found = tune([split], behind, HILL, cheap, seconds=42.0)
    assert len(places(found, "behind")) == 1
    assert len(places(found, "cheap")) == 61
    assert len(places(found)) > 1 + 20


def test_content_is_searched_however_far_behind_it_is(split):
    behind = replace(HILL, model="content", space={"place": (14.0, 15.0, 17.0)}, defaults={"place": 17.0})

    def create(model, params):
        return Hill({"place": 17.0, **params} if model == "content" else params)

    found = tune([split], behind, HILL, create=create, seconds=20.0)
    assert len(places(found, "content")) > 1


def test_a_setting_that_cannot_be_trained_is_a_failed_trial_and_the_search_goes_on(split):
    def picky(model, params):
        if params.get("place", 2.0) > 5:
            raise NightschoolError("too steep", seen=params, do="nothing")
        return Hill(params)

    found = tune([split], HILL, create=picky)
    assert any(trial.value is None for trial in found.trials)
    assert found.fitted[0].component.params.get("place", 2.0) <= 5


def test_defaults_that_cannot_be_trained_leave_the_model_out(split):
    def broken(model, params):
        if model == "crashing":
            raise ZeroDivisionError("of its own")
        raise NightschoolError("no", seen=0, do="nothing")

    found = tune([split], HILL, replace(HILL, model="crashing"), create=broken)
    assert (found.fitted, found.failures.keys()) == ([], {"hill", "crashing"})
    assert found.failures["crashing"] == "ZeroDivisionError: of its own"


def cut_by(split, seed):
    """The split again, with other users who meet item 2."""
    hits = np.where(np.random.default_rng(seed).permutation(400) % 10 == 0, 2, 1).astype(np.int32)
    return replace(split, held_out=split.held_out.with_columns(item_index=pl.Series(hits)))


class Lucky(Hill):
    """Finds the hits of 60 % of the users, whom chance picks anew for each setting."""

    def __init__(self, params):
        self.luck = int(1e6 * params.get("luck", 0.0))

    def score(self, users):
        found = (np.random.default_rng(self.luck).permutation(400) < 240)[users]
        scores = np.tile(np.array([0, 1, 2, 5], dtype=np.float32), (len(users), 1))
        scores[:, 1] = np.where(found, 9, 0)
        return scores


def test_the_luckiest_of_equals_is_not_taken(split):
    tunable = replace(HILL, fixed={}, space={"luck": Span(0.0, 1.0)}, defaults={"luck": 0.0})
    found = tune([split, cut_by(split, 1), cut_by(split, 2)], tunable, create=lambda _, params: Lucky(params))
    first, *drawn = [trial for trial in found.trials if trial.cut == 0]
    assert len(drawn) > 10
    assert max(trial.value for trial in drawn) > first.value
    assert found.fitted[0].component.params == {}


def test_the_best_settings_are_measured_again_on_further_cuts(split):
    cuts = [split, cut_by(split, 1), cut_by(split, 2), cut_by(split, 3)]
    found = tune(cuts, HILL, replace(HILL, model="other"), seconds=400.0)
    by_cut = [len([trial for trial in found.trials if trial.cut == cut]) for cut in range(4)]
    assert by_cut[0] > by_cut[1] >= 2
    assert found.cuts == sum(bool(count) for count in by_cut)


def test_the_defaults_are_measured_on_those_cuts_that_the_budget_holds(split):
    cuts = [split, *(cut_by(split, seed) for seed in range(3))]
    other = replace(HILL, model="other")
    assert tune(cuts, HILL, other, seconds=0.0).cuts == 1
    assert tune(cuts, HILL, other, seconds=1.0).cuts == 3  # the two are equal
    assert tune(cuts, replace(HILL, seconds=lambda _: 5.0), HILL, seconds=1.0).cuts == 2
    assert tune(cuts, replace(HILL, seconds=lambda _: 15.0), HILL, seconds=1.0).cuts == 1


def test_a_model_that_fails_on_a_further_cut_is_left_out_with_a_reason(split):
    other = cut_by(split, 1)

    class Picky(Hill):
        def fit(self, dataset, *, seed):
            if dataset is other.fitted:
                raise NightschoolError("no times", seen=0, do="nothing")
            return self

    other = replace(other, fitted=replace(other.fitted))
    found = tune(
        [split, other],
        HILL,
        replace(HILL, model="picky"),
        seconds=1.0,
        create=lambda model, params: (Picky if model == "picky" else Hill)(params),
    )
    assert [one.component.model for one in found.fitted] == ["hill"]
    assert "no times" in found.failures["picky"]


def test_an_error_of_a_drawn_setting_is_a_failed_trial(split):
    def crashing(model, params):
        if params.get("place", 2.0) > 5:
            raise ZeroDivisionError("of its own")
        return Hill(params)

    found = tune([split], HILL, create=crashing)
    assert any(trial.value is None for trial in found.trials)
    assert found.failures == {}


def test_without_users_to_measure_on_nothing_is_searched(split):
    nothing = replace(split, held_out=split.held_out.clear())
    assert len(tune([nothing, nothing], HILL, seconds=100.0).trials) == 1
