from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nightschool.errors import ConfigurationError
from nightschool.settings import HomePaths
from nightschool.storage.database import open_database
from nightschool.storage.interventions import Asked
from serving.operating import Operating
from serving.policy import Policy
from serving.rules import Rules

PIN = Asked("7", "pin", "why", datetime.now(UTC) + timedelta(days=1), place=1)


class Forgotten:
    """Counts how often the cache of answers was emptied."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    (tmp_path / "scenarios.toml").write_text("[hero]\n")
    return Policy(HomePaths(tmp_path))


@pytest.fixture
def forgotten() -> Forgotten:
    return Forgotten()


@pytest.fixture
def operating(policy: Policy, forgotten: Forgotten, tmp_path: Path) -> Operating:
    engine = open_database(f"sqlite:///{tmp_path}/events.db")
    return Operating(engine, HomePaths(tmp_path), policy, forgotten)


def test_answers_are_forgotten_when_something_changes_and_only_then(
    operating: Operating, policy: Policy, forgotten: Forgotten
) -> None:
    rules = policy.rules
    operating.steer()
    assert (forgotten.times, policy.rules is rules) == (0, True)
    done = operating.intervene(PIN, "")
    assert (forgotten.times, policy.rules.plain) == (1, False)
    operating.steer()
    assert forgotten.times == 1
    operating.end_intervention(done.intervention_id, "")
    assert (forgotten.times, policy.rules) == (2, Rules())


def test_a_scenario_must_be_there(operating: Operating, policy: Policy) -> None:
    with pytest.raises(ConfigurationError, match="no such scenario; saw 'footer'; use one of hero"):
        operating.intervene(PIN._replace(scenario="footer"), "")
    operating.intervene(PIN._replace(scenario="hero"), "")
    assert (policy.rules.plain, policy.rules_of("hero").plain) == (True, False)
