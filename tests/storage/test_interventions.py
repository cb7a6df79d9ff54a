from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.audit import AuditLog
from nightschool.storage.interventions import Asked, Interventions

TOMORROW = datetime.now(UTC) + timedelta(days=1)
PIN = Asked("7", "pin", "course of the month", TOMORROW, place=1)


@pytest.fixture
def store(database: sa.Engine) -> Interventions:
    return Interventions(database)


def test_what_is_set_is_in_force_until_it_is_ended(store: Interventions) -> None:
    pin = store.add(PIN, "editors")
    ban = store.add(Asked("8", "ban", "withdrawn by its author"), "editors")
    assert store.in_force() == (ban, pin)
    assert (pin.asked, pin.set_by, pin.ended_at) == (PIN, "editors", None)
    ended = store.end(pin.intervention_id, "someone")
    assert ended.ended_at is not None
    assert store.in_force() == (ban,)
    assert store.end(pin.intervention_id, "someone else") == ended


def test_what_has_an_end_is_not_in_force_after_it(store: Interventions, database: sa.Engine) -> None:
    pin = store.add(PIN, "")
    assert pin.holds(TOMORROW - timedelta(seconds=1))
    assert not pin.holds(TOMORROW)
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE interventions SET until = set_at"))
    assert store.in_force() == ()


def test_the_same_again_takes_the_place_of_the_one_before(store: Interventions) -> None:
    store.add(PIN, "")
    third = store.add(PIN._replace(place=3), "")
    elsewhere = store.add(PIN._replace(scenario="hero"), "")
    boost = store.add(Asked("7", "boost", "new", TOMORROW, points=0.5), "")
    assert store.in_force() == (boost, elsewhere, third)


def test_every_change_is_in_the_audit_log(store: Interventions, database: sa.Engine) -> None:
    pin = store.add(PIN._replace(scenario="hero"), "editors")
    for _ in range(2):
        store.end(pin.intervention_id, "someone")
    ended, began = AuditLog(database).newest(9)
    assert (began.who, began.action, began.what) == ("editors", "pin_set", "7")
    assert (ended.who, ended.action, ended.what) == ("someone", "pin_ended", "7")
    until = f"{TOMORROW:%Y-%m-%dT%H:%MZ}"
    assert began.details == {"place": 1, "scenario": "hero", "reason": "course of the month", "until": until}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"place": None}, "the place of an intervention.*give one from 1 to 200"),
        ({"place": 0}, "saw 0; give one from 1 to 200"),
        ({"place": 201}, "saw 201"),
        ({"points": 0.5}, "the points of an intervention; saw 0.5; a pin has none"),
        ({"kind": "ban"}, "the place of an intervention; saw 1; a ban has none"),
        ({"kind": "boost", "place": None}, "give a number up to 100, not 0"),
        ({"kind": "boost", "place": None, "points": 0.0}, "saw 0.0"),
        ({"kind": "boost", "place": None, "points": float("nan")}, "saw nan"),
        ({"kind": "boost", "place": None, "points": float("-inf")}, "saw -inf"),
        ({"until": None}, "a pin needs an end; give until"),
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, "the end has passed; saw '2020-01-01 00:00'"),
        ({"until": datetime(2999, 1, 1)}, "the end has no time zone"),
        ({"reason": "  "}, "an intervention needs a reason"),
        ({"reason": "x" * 501}, "in 500 characters"),
    ],
)
def test_what_is_not_whole_is_refused(store: Interventions, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        store.add(PIN._replace(**changes), "")
    assert store.in_force() == ()


def test_what_is_not_there_cannot_be_ended(store: Interventions) -> None:
    with pytest.raises(NotFound, match="no such intervention; saw '7'"):
        store.end(7, "")
