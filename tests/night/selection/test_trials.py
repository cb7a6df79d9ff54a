import numpy as np
import pytest

from nightschool.night.selection.evaluators import UserValues
from nightschool.night.selection.search import Tunable
from nightschool.night.selection.trials import Runner, Setting, choose_setting, is_behind, is_known
from nightschool.recipe import Component

N = 400
NOISE = np.random.default_rng(0).normal(0, 0.3, size=(3, N))
USERS = np.arange(N, dtype=np.int32)


def setting(name: str, *means: float, wobble: int = 0) -> Setting:
    """A setting with a mean on each cut; `wobble` moves its users, so that a difference has an error."""
    values = [mean + NOISE[cut] + 0.1 * wobble * NOISE[(cut + wobble) % 3] for cut, mean in enumerate(means)]
    measured = {cut: UserValues(USERS, one - one.mean() + means[cut]) for cut, one in enumerate(values)}
    return Setting(Component(model="any", params={"name": name}), 1.0, measured)


def chosen(*settings: Setting) -> str:
    return choose_setting(Runner(Tunable("any"), list(settings))).component.params["name"]


def test_means_are_over_the_users_of_all_cuts():
    one = setting("a", 0.2, 0.4)
    assert (one.first, one.mean, one.mean_on(1)) == (pytest.approx(0.2), pytest.approx(0.3), pytest.approx(0.2))


def test_what_was_tried_first_is_taken_unless_something_is_ahead_by_more_than_luck():
    assert chosen(setting("defaults", 0.3), setting("lucky", 0.301, wobble=2)) == "defaults"
    assert chosen(setting("defaults", 0.3), setting("better", 0.33, wobble=2)) == "better"
    a_little = setting("a little", 0.3045, wobble=2)
    assert chosen(setting("defaults", 0.3), a_little) == "a little"
    assert chosen(setting("defaults", 0.3), a_little, *(setting(str(n), 0.1) for n in range(40))) == "defaults"


def test_a_setting_that_left_the_race_is_not_taken():
    assert chosen(setting("defaults", 0.3, 0.3), setting("lucky", 0.5, wobble=2)) == "defaults"


def test_one_far_behind_is_given_up():
    leader = setting("leader", 0.3)
    assert is_behind(setting("far", 0.2, wobble=1), leader)
    assert not is_behind(setting("near", 0.2999, wobble=2), leader)


def test_what_is_known_depends_on_the_two_best():
    def runners(*wobbles: int) -> list[Runner]:
        return [Runner(Tunable("any"), [setting("defaults", 0.3 - 0.01 * n, wobble=w)]) for n, w in enumerate(wobbles)]

    assert is_known(runners(0))
    assert is_known(runners(0, 0, 9))
    assert not is_known(runners(0, 9, 0))
