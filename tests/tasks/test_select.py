import pytest

from nightschool.contract import Component, Recipe
from nightschool.errors import ConfigurationError
from nightschool.night.config import NightConfig
from tasks.select import _settings_of, search_for


def test_the_fixed_hyper_parameters_go_over_the_defaults():
    search = search_for(NightConfig(models=("popularity", "ease"), params={"ease": {"l2": 7, "weights_per_item": 9}}))
    assert search.settings == {"popularity": [{}], "ease": [{"l2": 7, "weights_per_item": 9}]}


@pytest.mark.parametrize(
    ("params", "named"),
    [({"eas": {"l2": 3}}, "eas"), ({"ease": {"l2": -5}}, "ease.l2"), ({"ease": {"lambda": 1}}, "ease.lambda")],
)
def test_a_wrong_hyper_parameter_is_the_users_mistake_and_no_failed_candidate(params, named):
    with pytest.raises(ConfigurationError, match=named):
        search_for(NightConfig(params=params))


def test_between_tunings_each_model_has_one_setting_and_the_champion_its_own():
    champion = Recipe(components=(Component(model="ease", params={"l2": 77}),))
    settings = _settings_of(champion, search_for(NightConfig()))
    assert settings["ease"] == [{"l2": 77}]
    assert all(len(tried) == 1 for tried in settings.values())
