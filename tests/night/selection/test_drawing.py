import numpy as np
import pytest

from nightschool.contract import Span
from nightschool.night.selection.drawing import SettingSampler
from nightschool.night.selection.evaluators import UserValues
from nightschool.night.selection.search import Tunable
from nightschool.night.selection.trials import Runner, Setting
from nightschool.recipe import Component


def runner(space, default, **tried):
    found = Runner(Tunable("any", {}, {"place": space}, {"place": default}))
    for params in ({}, tried):
        values = UserValues(np.arange(2, dtype=np.int32), np.array([0.1, 0.2]))
        found.settings.append(Setting(Component(model="any", params=params), 1.0, {0: values}))
    return found


@pytest.mark.parametrize(
    ("space", "default", "kind"),
    [(Span(1, 9), 1, int), (Span(0.1, 9.0, log=True), 0.1, float), (("a", "b"), "a", str)],
)
def test_values_are_of_the_kind_of_their_space(space, default, kind):
    sampler = SettingSampler(runner(space, default), seed=0)
    for _ in range(6):
        drawn = sampler.draw()
        sampler.tell(0.5)
        assert type(drawn["place"]) is kind


def test_numbers_have_three_digits_that_a_reader_can_compare():
    sampler = SettingSampler(runner(Span(0.0, 10.0), 2.0), seed=0)
    for value in (0.5, None, 0.7, 0.1):
        assert len(f"{sampler.draw()['place']:g}".replace(".", "").lstrip("0")) <= 3
        sampler.tell(value)


def test_the_same_seed_and_values_draw_the_same_settings_near_the_best():
    def drawn(seed):
        sampler, found = SettingSampler(runner(Span(0.0, 10.0), 2.0, place=4.0), seed), []
        for _ in range(25):
            found.append(sampler.draw()["place"])
            sampler.tell(-abs(found[-1] - 7))
        return found

    assert drawn(0) == drawn(0) != drawn(1)
    assert np.abs(np.array(drawn(0)[-8:]) - 7).mean() < np.abs(np.array(drawn(0)[:4]) - 7).mean()
