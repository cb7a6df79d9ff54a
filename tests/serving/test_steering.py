import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from nightschool.errors import Unreachable
from nightschool.storage.database import open_database
from nightschool.storage.interventions import Asked, Intervention, Interventions
from serving.rules import Rules
from serving.steering import ActiveInterventions, SteeredRules, Steering

NOW = datetime.now(UTC)
SOON = NOW + timedelta(hours=1)


def steering(*asked: Asked) -> Steering:
    found = [Intervention(number, each, "", NOW) for number, each in enumerate(asked)]
    return Steering(tuple(reversed(found)))


def pin(item_id: str, place: int, scenario: str | None = None) -> Asked:
    return Asked(item_id, "pin", "why", SOON, place=place, scenario=scenario)


def test_without_interventions_the_rules_are_the_same_object() -> None:
    rules = Rules(quota=2)
    assert Steering().rules(rules, "") is rules
    assert steering(pin("7", 1, "hero")).rules(rules, "side") is rules


def test_pins_boosts_and_bans_join_the_rules_of_their_scenario() -> None:
    boost = Asked("7", "boost", "why", SOON, points=0.5)
    ban = Asked("9", "ban", "why")
    found = steering(pin("5", 3), pin("6", 1), boost, boost._replace(scenario="hero", points=1.0), ban)
    hero = found.rules(Rules(quota=2), "hero")
    assert hero == SteeredRules(quota=2, banned=("9",), boosted={"7": 1.5}, pinned=((1, "6"), (3, "5")))
    assert not hero.plain
    side = found.rules(Rules(), "side")
    assert isinstance(side, SteeredRules)
    assert side.boosted == {"7": 0.5}


def test_of_two_pins_at_one_place_the_newest_comes_first() -> None:
    rules = steering(pin("old", 2), pin("new", 2)).rules(Rules(), "")
    assert isinstance(rules, SteeredRules)
    assert rules.pinned == ((2, "new"), (2, "old"))


def test_an_experiment_and_a_request_lift_no_ban() -> None:
    rules = steering(Asked("9", "ban", "why")).rules(Rules(exclude=(1,)), "")
    for changed in (rules.overridden({"exclude": [2]}), rules.narrowed({"exclude": [2]})):
        assert isinstance(changed, SteeredRules)
        assert changed.banned == ("9",)


def test_only_what_is_banned_everywhere_is_shown_nowhere() -> None:
    found = steering(Asked("8", "ban", "why"), Asked("9", "ban", "why", scenario="hero"), pin("5", 1))
    assert found.banned == {"8"}


@pytest.fixture
def engine(tmp_path: object) -> sa.Engine:
    return open_database(f"sqlite:///{tmp_path}/events.db")


def test_what_ends_does_so_without_the_database(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Interventions(engine)
    active = ActiveInterventions(store)
    end = datetime.now(UTC) + timedelta(seconds=2)
    short = Asked("7", "pin", "why", end, place=1)
    store.add(short, "")
    active.refresh()
    assert [each.asked for each in active.steering().interventions] == [short]

    def fail() -> None:
        raise Unreachable("the database does not answer")

    monkeypatch.setattr(store, "in_force", fail)
    time.sleep((end - datetime.now(UTC)).total_seconds())
    with pytest.raises(Unreachable):
        active.refresh()
    assert active.steering() == Steering()
