import os
from pathlib import Path

import polars as pl
import pytest

from nightschool.errors import ConfigurationError, ManifestError
from nightschool.item_columns import ItemColumns
from nightschool.settings import HomePaths
from serving.answers import ListRequest
from serving.catalogue import Catalogue
from serving.policy import Policy
from serving.rules import Rules


@pytest.fixture
def paths(tmp_path: Path) -> HomePaths:
    return HomePaths(tmp_path)


PRICED = Catalogue(pl.DataFrame({"item_id": [1], "title": ["a"], "text": ["a"], "price": [1.0]}), ItemColumns())
UNPRICED = Catalogue(pl.DataFrame({"item_id": [1], "title": ["a"], "text": ["a"]}), ItemColumns())
FITS_NOT = "filter, character 1: there is no such item column"


def write(path: Path, text: str, at: int) -> None:
    path.write_text(text)
    os.utime(path, ns=(at, at))


def test_without_files_nothing_is_changed(paths: HomePaths) -> None:
    policy = Policy(paths)
    assert policy.rules == policy.rules_of("") == Rules()
    assert policy.settled(ListRequest()) == ListRequest()
    assert policy.above("") == ()
    assert not policy.refresh(None)


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
            policy.refresh(None)
        assert policy.settled(ListRequest(0, scenario="hero")).k == 4
        assert policy.rules == Rules()
    paths.scenarios.unlink()
    assert policy.refresh(None)
    assert policy.rules == Rules(quota=2)
    assert [*policy.scenarios.named] == []


def test_changed_filters_must_fit_the_release(paths: HomePaths) -> None:
    policy = Policy(paths)
    write(paths.rules, 'filter = "price < 3"\n', at=1)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=rf"rules\.toml: {FITS_NOT}"):
            policy.refresh(UNPRICED)
        assert policy.rules == Rules()
    assert policy.refresh(PRICED)
    write(paths.scenarios, '[hero.rules]\nfilter = "cost < 3"\n', at=2)
    with pytest.raises(ConfigurationError, match=rf"scenarios\.toml: hero: {FITS_NOT}"):
        policy.refresh(PRICED)
    assert [*policy.scenarios.named] == []


def test_without_a_release_a_filter_is_taken_and_then_found_not_to_fit(paths: HomePaths) -> None:
    write(paths.rules, 'filter = "price < 3"\n', at=1)
    policy = Policy(paths)
    assert not policy.refresh(None)
    with pytest.raises(ConfigurationError, match="no such item column"):
        policy.refresh(UNPRICED)
    assert policy.rules.filter == "price < 3"
    assert not policy.refresh(PRICED)


def test_a_scenario_shows_nothing_that_the_rules_of_all_lists_hide(paths: HomePaths) -> None:
    paths.rules.write_text('filter = "price < 3 or title == \'b\'"\nexclude = [4]\nexclude_labels = ["Old"]\n')
    paths.scenarios.write_text('[hero.rules]\nfilter = "price > 1"\nexclude = [5]\nexclude_labels = ["New"]\n')
    rules = Policy(paths).rules_of("hero")
    assert rules.filter == "(price < 3 or title == 'b') and (price > 1)"
    assert (rules.exclude, rules.exclude_labels) == ((4, 5), ("Old", "New"))


def test_a_scenario_lifts_no_level_and_no_prerequisite(paths: HomePaths) -> None:
    paths.rules.write_text("prerequisites = true\ndifficulty_steps = 0\n")
    paths.scenarios.write_text("[hero.rules]\nprerequisites = false\ndifficulty_steps = 9\n[side.rules]\nquota = 1\n")
    for rules in map(Policy(paths).rules_of, ("hero", "side")):
        assert (rules.prerequisites, rules.difficulty_steps) == (True, 0)
    paths.rules.unlink()
    assert Policy(paths).rules_of("hero").difficulty_steps == 9


def test_other_texts_are_tried_and_change_nothing(paths: HomePaths) -> None:
    paths.rules.write_text("quota = 2\n")
    policy = Policy(paths)
    tried = policy.tried({"scenarios.toml": "[hero]\nk = 3\n[hero.rules]\nquota = 1\n"}, None)
    assert (tried.rules_of[""], tried.rules_of["hero"]) == (Rules(quota=2), Rules(quota=1))
    assert tried.scenarios.get("hero").k == 3
    assert policy.tried({"rules.toml": ""}, None).rules_of[""] == Rules()
    assert [*policy.scenarios.named] == []
    with pytest.raises(ManifestError, match=r"rules\.toml, line 2: quota"):
        policy.tried({"rules.toml": "\nquota = 0\n"}, None)
    with pytest.raises(ConfigurationError, match=rf"rules\.toml: {FITS_NOT}"):
        policy.tried({"rules.toml": 'filter = "price < 3"'}, UNPRICED)


def test_a_file_that_is_not_utf8_changes_nothing(paths: HomePaths) -> None:
    policy = Policy(paths)
    paths.rules.write_bytes(b"# caf\xe9\nquota = 1\n")
    with pytest.raises(ManifestError, match="is not UTF-8"):
        policy.refresh(None)
    assert policy.rules == Rules()
