import pytest

from nightschool.errors import ConfigurationError
from nightschool.night.config import NightConfig


def test_assignments_go_over_the_file(tmp_path):
    file = tmp_path / "night.toml"
    file.write_text("k = 20\nseed = 1\n[params.ease]\nl2 = 300\n")
    config = NightConfig.load(file, ["k=30", "ease.l2=500", "tune=now", "cutoffs=[10]"])
    assert (config.k, config.seed, config.tune, config.cutoffs) == (30, 1, "now", (10,))
    assert config.params == {"ease": {"l2": 500}}


def test_how_much_of_a_history_is_learned_from_is_set_like_the_rest():
    config = NightConfig.load(None, ["half_life_days=30", "min_user_events=5", "bot_seconds=1.5"])
    assert (config.half_life_days, config.min_user_events, config.bot_seconds) == (30, 5, 1.5)
    assert all(field.description for field in NightConfig.model_fields.values())


def test_the_sweep_goes_from_content_to_collaborative():
    assert NightConfig(alpha_steps=4).alphas == (0.0, 0.25, 0.5, 0.75, 1.0)


@pytest.mark.parametrize(
    ("assignments", "named"),
    [
        (["bot_share=2"], "'bot_share'"),
        (["half_life_days=0"], "'half_life_days'"),
        (["k=0"], "'k'"),
        (["k"], "key=value"),
        (["unheard=1"], "unheard"),
        (["tune=never"], "'tune'"),
    ],
)
def test_a_wrong_assignment_is_named(assignments, named):
    with pytest.raises(ConfigurationError, match=named):
        NightConfig.load(None, assignments)


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="no such configuration file"):
        NightConfig.load(tmp_path / "none.toml", [])
    broken = tmp_path / "broken.toml"
    broken.write_text("k = ")
    with pytest.raises(ConfigurationError, match=r"broken.toml is not TOML"):
        NightConfig.load(broken, [])


@pytest.mark.parametrize(
    ("old", "minutes"),
    [
        ({"search_seconds": 600}, 10),
        ({"search_seconds": "90"}, 1.5),
        ({"search_seconds": 1e9}, 10_000),
        ({"search_trials": 0, "search_seconds": 600}, 0),
        ({"search_trials": 5, "rerank_seconds": 60}, 0.5),
        ({"search_seconds": 600, "minutes": 3}, 3),
    ],
)
def test_keys_of_version_0_2_are_still_read(old, minutes):
    assert NightConfig.model_validate(old).minutes == minutes


def test_an_assignment_of_an_old_key_is_still_read():
    assert NightConfig.load(None, ["search_seconds=120", "search_trials=4"]).minutes == 2
