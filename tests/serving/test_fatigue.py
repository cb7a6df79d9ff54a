"""What was shown in vain sinks in lists, by set steps or as was learned, and comes back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nightschool.shown.fatigue import Fatigue
from nightschool.shown.impression_store import Impression, ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.shown.showings import ShowingStore
from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from serving.answers import ListRequest, make_list
from serving.fatigue import Tiredness
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.shared import Shared
from serving.snapshot import Snapshot
from serving.user_state import UserState
from tests.serving.client import Api
from tests.serving.conftest import Served
from tests.serving.sent import learner
from tests.shown.given import a_list

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STEPS = {"shown": 2, "factor": 0.5, "days": 7}


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


class Shown:
    """A database in which lists are shown to a user."""

    def __init__(self, file: Path) -> None:
        engine = open_database(f"sqlite:///{file}")
        self.store, self._lists, self._seen = ShowingStore(engine), ListStore(engine), ImpressionStore(engine)
        self._n = 0

    def show(self, user: ExternalId, items: list[ExternalId], days_ago: float = 1.0) -> None:
        self._n += 1
        self._lists.append([a_list(f"l{self._n}", [*map(str, items)], str(user))])
        at = NOW - timedelta(days=days_ago)
        self._seen.append([Impression(f"i{self._n}", f"l{self._n}", str(user), at)])


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    return Shown(tmp_path / "events.db")


def ids(snapshot: Snapshot, user: ExternalId, tired: Any = None, **rules: Any) -> list[ExternalId]:
    state = replace(UserState.of(snapshot, user), tired=tired)
    return [entry["item_id"] for entry in make_list(snapshot, state, Rules(**rules), ListRequest(k=10))]


def test_without_the_rule_or_without_showings_nothing_sinks(snapshot: Snapshot, shown: Shown) -> None:
    user, tiredness = learner(snapshot), Tiredness(shown.store, Shared())
    assert tiredness.factors(snapshot, user, Rules(fatigue=STEPS), NOW) is None
    shown.show(user, ids(snapshot, user))
    assert tiredness.factors(snapshot, user, Rules(), NOW) is None
    assert tiredness.factors(snapshot, user, Rules(fatigue=STEPS), NOW) is None
    assert tiredness.factors(snapshot, user, Rules(fatigue="learned"), NOW) is None


@pytest.mark.parametrize("known", [True, False])
def test_what_was_shown_in_vain_sinks_and_comes_back(snapshot: Snapshot, shown: Shown, known: bool) -> None:
    user = learner(snapshot) if known else 999_999
    tiredness, rules = Tiredness(shown.store, Shared()), Rules(fatigue=STEPS)
    before = ids(snapshot, user)
    for _ in range(4):
        shown.show(user, before[:2])
    shown.show(user, [10**9, "no item"])
    tired = tiredness.factors(snapshot, user, rules, NOW)
    assert tired is not None
    places = snapshot.catalogue.positions(before[:2])
    assert tired[places].tolist() == [0.25, 0.25]
    assert np.count_nonzero(tired < 1) == 2
    after = ids(snapshot, user, tired)
    assert after[0] == before[2]
    assert [item for item in after if item not in before[:2]][:8] == before[2:]
    assert tiredness.factors(snapshot, user, rules, NOW + timedelta(days=6.5)) is None


def test_a_factor_of_zero_sends_to_the_end(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    whole = [e["item_id"] for e in make_list(snapshot, user, Rules(), ListRequest(k=200))]
    tired = np.ones(len(snapshot.catalogue))
    tired[snapshot.catalogue.positions(whole[:1])] = 0
    state = replace(UserState.of(snapshot, user), tired=tired)
    found = [e["item_id"] for e in make_list(snapshot, state, Rules(), ListRequest(k=200))]
    assert {*found[-2:]} >= {whole[0]}
    assert [item for item in found if item != whole[0]] == whole[1:]


def test_a_learned_fatigue_is_read_when_it_changes(snapshot: Snapshot, shown: Shown) -> None:
    user, shared = learner(snapshot), Shared()
    tiredness = Tiredness(shown.store, shared)
    assert not tiredness.refresh()
    shown.store.keep(Fatigue((1.0, 0.7, 0.4), 28.0), NOW)
    assert tiredness.refresh()
    assert not tiredness.refresh()
    item = ids(snapshot, user)[0]
    for _ in range(3):
        shown.show(user, [item])
    tired = tiredness.factors(snapshot, user, Rules(fatigue="learned"), NOW)
    assert tired is not None
    assert tired[snapshot.catalogue.positions([item])].tolist() == [0.4]


def test_marks_change_with_impressions(shown: Shown) -> None:
    tiredness = Tiredness(shown.store, Shared())
    tiredness.refresh()
    before = tiredness.mark(1), tiredness.mark(2)
    shown.show(1, [3])
    tiredness.refresh()
    assert tiredness.mark("1") == tiredness.mark(1) > before[0]
    assert tiredness.mark(2) == before[1]


@pytest.fixture
def api(own_home: Home) -> Iterator[Api]:
    with Api.over(own_home) as opened:
        yield opened


def test_a_served_list_changes_with_what_was_shown_only_under_the_rule(api: Api) -> None:
    user, service = api.users[0], api.service
    paths = service.settings.paths
    first = api.list_of(user)
    show = {"list_id": first["list_id"], "user_id": user, "places": [1, 2]}
    service.refresh()
    assert api.post("/v1/impressions", show).status_code in (200, 201)
    service.refresh()
    assert api.list_of(user)["items"] == first["items"]
    paths.scenarios.write_text("[hero.rules]\nfatigue = { shown = 1, factor = 0.1 }\n")
    service.refresh()
    hero = api.items_of(user, scenario="hero")
    assert hero[0] == first["items"][2]["item_id"]
    assert api.list_of(user)["items"] == first["items"]
    again = api.list_of(user, scenario="hero")
    assert api.post("/v1/impressions", {"list_id": again["list_id"], "user_id": user, "places": [1]}).status_code < 300
    service.refresh()
    assert api.items_of(user, scenario="hero")[0] == hero[1]
