from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from nightschool.errors import ConfigurationError
from nightschool.experiments.plan import Plan, holdout_plan

TEXT = """
name = "more-content"
explore = 0.02
window_hours = 24
[[arms]]
name = "control"
share = 0.5
[[arms]]
name = "content"
share = 0.5
alpha = 0.6
rules = { exclude = [32], quota = { column = "domain", most = 3 } }
"""


def plan(**more: Any) -> Plan:
    arms = [{"name": "control", "share": 0.5}, {"name": "content", "share": 0.5, "alpha": 0.6}]
    return Plan.model_validate({"name": "more-content", "arms": arms, **more})


def load(tmp_path: Path, text: str) -> Plan:
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    return Plan.load(tmp_path / "x.toml")


def test_a_plan_is_a_toml_file(tmp_path: Path) -> None:
    read = load(tmp_path, TEXT)
    assert (read.name, read.explore, read.window_hours) == ("more-content", 0.02, 24)
    assert [(arm.name, arm.share, arm.alpha) for arm in read.arms] == [("control", 0.5, None), ("content", 0.5, 0.6)]
    assert read.arms[1].rules == {"exclude": [32], "quota": {"column": "domain", "most": 3}}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("share = 0.5\nalpha", "share = 0.4\nalpha", "arms; the shares of all arms must sum to 1"),
        ('"content"', '"control"', "arms; each arm needs a name of its own"),
        ("alpha = 0.6", "alpha = 1.6", r"arms\.1\.alpha; saw 1\.6; Input should be less than or equal to 1"),
        ("explore = 0.02", "explore = 0.5", r"explore; saw 0\.5"),
        ("window_hours = 24", "window_hours = 0", "window_hours; saw 0"),
        ("window_hours", "windows", "windows"),
        ("[[arms]]", "[arms", "is not valid TOML"),
    ],
)
def test_what_is_wrong_with_a_plan_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"x\.toml.*{told}"):
        load(tmp_path, TEXT.replace(old, new))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no such file.*x\.toml"):
        Plan.load(tmp_path / "x.toml")


def test_one_arm_tries_nothing() -> None:
    with pytest.raises(ValidationError):
        plan(arms=[{"name": "control", "share": 0.5}])


def test_the_layer_of_holdouts_is_no_plan_s(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="this layer is for holdouts; saw 'holdout'"):
        load(tmp_path, TEXT.replace("explore", 'layer = "holdout"\nexplore'))


def test_a_holdout_s_control_are_the_held_out_users() -> None:
    found = holdout_plan(0.05, ["holdout", "holdout-2", "x"])
    assert (found.name, [arm.name for arm in found.arms]) == ("holdout-3", ["holdout", "others"])
    assert [arm.share for arm in found.arms] == [0.05, 0.95]
