from pathlib import Path

import pytest

from nightschool.errors import ConfigurationError, ManifestError
from nightschool.settings import HomePaths
from serving.answers import ListRequest
from serving.policy import Policy
from serving.rules import Rules


@pytest.fixture
def paths(tmp_path: Path) -> HomePaths:
    return HomePaths(tmp_path)


def test_without_files_nothing_is_changed(paths: HomePaths) -> None:
    policy = Policy(paths)
    assert policy.rules == policy.rules_of("") == Rules()
    assert policy.settled(ListRequest()) == ListRequest()
    assert policy.above("") == ()
    assert not policy.refresh()


def test_a_scenario_has_the_rules_of_all_lists_but_for_its_own(paths: HomePaths) -> None:
    paths.rules.write_text("quota = 2\ndiversity = 0.5\n")
    paths.scenarios.write_text('[hero]\nk = 4\n[side]\nbelow = ["hero"]\n[side.rules]\nquota = 1\n')
    policy = Policy(paths)
    assert policy.rules_of("hero") == Rules(quota=2, diversity=0.5)
    assert policy.rules_of("side") == Rules(quota=1, diversity=0.5)
    assert policy.above("side") == ("hero",)
    assert policy.settled(ListRequest(0, scenario="hero")).k == 4
    assert policy.settled(ListRequest(7, scenario="hero")).k == 7
    with pytest.raises(ConfigurationError, match="no such scenario"):
        policy.settled(ListRequest(0, scenario="footer"))


def test_files_are_read_again_and_a_broken_one_changes_nothing(paths: HomePaths) -> None:
    paths.scenarios.write_text("[hero]\nk = 4\n")
    policy = Policy(paths)
    paths.scenarios.write_text("[hero]\nk = 500\n")
    paths.rules.write_text("quota = 2\n")
    for _ in range(2):
        with pytest.raises(ManifestError, match="k"):
            policy.refresh()
        assert policy.settled(ListRequest(0, scenario="hero")).k == 4
        assert policy.rules == Rules()
    paths.scenarios.unlink()
    assert policy.refresh()
    assert policy.rules == Rules(quota=2)
    assert [*policy.scenarios.named] == []
