"""Lists with random slots: which items come, how often, under which rules, and the chances that are written down."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
import sqlalchemy as sa

from nightschool.storage.home import Home
from nightschool.storage.tables import LISTS
from serving.answers import ListRequest, make_list
from serving.cursors import decode_cursor
from serving.exploration import ENOUGH_SHOWN, FEW_LIKES, POOL_SIZE, ExploredList, explored_list
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from serving.steering import SteeredRules
from serving.user_state import UserState
from tests.serving.client import Api
from tests.serving.conftest import Served
from tests.serving.sent import learner, stored

COLD_USER = 999_999
ASKED = ListRequest(k=8)


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


@pytest.fixture(params=["known", "cold"])
def state(snapshot: Snapshot, request: pytest.FixtureRequest) -> UserState:
    return UserState.of(snapshot, learner(snapshot) if request.param == "known" else COLD_USER)


def explored(
    snapshot: Snapshot, state: UserState, day: int, rules: dict[str, Any], asked: ListRequest = ASKED
) -> ExploredList:
    in_force = Rules(**{"explore": 0.5, **rules})
    made = make_list(snapshot, state, in_force, asked)
    return explored_list(snapshot, state, in_force, asked, made, day)


def random_items(found: ExploredList) -> list[ExternalId]:
    return [entry["item_id"] for entry in found.entries if entry["source"] == "random"]


def test_without_exploring_a_list_stays_and_every_item_was_certain(snapshot: Snapshot, state: UserState) -> None:
    asked = ListRequest(k=8)
    made = make_list(snapshot, state, Rules(), asked)
    assert explored_list(snapshot, state, Rules(), asked, made, 1) == ExploredList(made, [1.0] * 8)
    assert explored_list(snapshot, state, Rules(explore=0.5), asked, [], 1) == ExploredList([], [])


@pytest.mark.parametrize("rules", [{}, {"quota": 2}, {"explore": 0.1}])
def test_items_come_to_their_places_as_often_as_is_written_down(
    snapshot: Snapshot, state: UserState, rules: dict[str, Any]
) -> None:
    days = 300
    seen, told = Counter[tuple[int, ExternalId]](), dict[tuple[int, ExternalId], float]()
    for day in range(days):
        found = explored(snapshot, state, day, rules, ListRequest(k=5))
        for place, (entry, chance) in enumerate(zip(found.entries, found.propensities, strict=True)):
            cell = place, entry["item_id"]
            seen[cell] += 1
            assert told.setdefault(cell, chance) == pytest.approx(chance)
    for cell, chance in told.items():
        assert abs(seen[cell] / days - chance) < 5 * np.sqrt(chance * (1 - chance) / days) + 2 / days, cell
    kept = 1 - rules.get("explore", 0.5)
    assert sorted(told.values())[-5:] == pytest.approx([kept] * 5)


def test_a_pinned_item_stays_at_its_place_for_certain(snapshot: Snapshot, state: UserState) -> None:
    item = make_list(snapshot, state, Rules(), ListRequest(k=9))[8]["item_id"]
    rules = SteeredRules(explore=0.5, pinned=((2, str(item)),))
    made = make_list(snapshot, state, rules, ASKED)
    found = [explored_list(snapshot, state, rules, ASKED, made, day) for day in range(20)]
    assert {(one.entries[1]["item_id"], one.entries[1]["source"], one.propensities[1]) for one in found} == {
        (item, "pinned", 1.0)
    }
    assert all(len({entry["item_id"] for entry in one.entries}) == ASKED.k for one in found)
    assert {len(random_items(one)) for one in found} > {3, 4}
    alone = explored_list(snapshot, state, rules, ListRequest(k=1), [made[1]], 1)
    assert alone == ExploredList([made[1]], [1.0])


def test_a_list_is_the_same_all_day_and_another_the_next(snapshot: Snapshot, state: UserState) -> None:
    first, again, next_day = (explored(snapshot, state, day, {}) for day in (1, 1, 2))
    assert first == again
    assert random_items(first) != random_items(next_day)
    other = explored(snapshot, state, 1, {}, ListRequest(k=8, scenario="hero"))
    assert random_items(first) != random_items(other)


def test_a_random_item_is_marked(snapshot: Snapshot, state: UserState) -> None:
    found = explored(snapshot, state, 3, {})
    drawn = [entry for entry in found.entries if entry["source"] == "random"]
    assert drawn
    assert {(entry["reason"], entry["why"], entry["because_item_id"]) for entry in drawn} == {
        ("random", "something different", None)
    }
    assert [entry["rank"] for entry in found.entries] == [*range(1, 9)]


def test_no_rule_is_broken(snapshot: Snapshot, state: UserState) -> None:
    labels = snapshot.catalogue
    rules = {"quota": 2, "exclude_labels": ("Design",), "exclude": (5, 6), "filter": 'difficulty <= "Intermediate"'}
    asked = ListRequest(k=8, filter='difficulty == "Beginner"')
    drawn = set()
    for day in range(60):
        found = explored(snapshot, state, day, {**rules, "difficulty_steps": 0, "prerequisites": True}, asked)
        drawn |= {*random_items(found)}
        places = labels.positions(entry["item_id"] for entry in found.entries)
        assert len({*places.tolist()}) == len(found.entries)
        assert not labels.labelled("Design")[places].any()
        kinds = Counter(kind for kind in labels.kinds[places].tolist() if kind >= 0)
        assert max(kinds.values()) <= 2
        assert {entry["difficulty"] for entry in found.entries} == {"Beginner"}
        assert not {5, 6} & {entry["item_id"] for entry in found.entries}
        assert not {*places.tolist()} & {*state.current}
    assert drawn


def test_new_items_come_first_to_users_with_a_history(snapshot: Snapshot) -> None:
    popularity = np.full(len(snapshot.catalogue), FEW_LIKES)
    user = learner(snapshot)
    state = UserState.of(snapshot, user)
    listed = {entry["item_id"] for entry in make_list(snapshot, state, Rules(), ListRequest(k=8))}
    unseen = np.flatnonzero(state.unseen(len(popularity)) & snapshot.available)
    new = [item for item in unseen.tolist() if snapshot.catalogue.ids[item] not in listed][-POOL_SIZE:]
    popularity[new] = 0
    fresh = replace(snapshot)
    fresh.__dict__["popularity"] = popularity
    drawn = {item for day in range(80) for item in random_items(explored(fresh, state, day, {}))}
    assert len(drawn) > 20
    assert drawn <= {snapshot.catalogue.ids[item] for item in new}
    shown = np.zeros(len(popularity), dtype=np.int64)
    shown[new] = ENOUGH_SHOWN
    fresh.__dict__["showings"] = shown
    drawn = {item for day in range(20) for item in random_items(explored(fresh, state, day, {}))}
    assert drawn - {snapshot.catalogue.ids[item] for item in new}


def test_new_users_explore_what_their_audience_likes(snapshot: Snapshot) -> None:
    state = UserState.of(snapshot, COLD_USER)
    audience = {item for item, _ in snapshot.audiences["everyone"]}
    drawn = {item for day in range(40) for item in random_items(explored(snapshot, state, day, {}))}
    assert drawn & audience


def test_a_page_repeats_nothing_of_the_pages_before(snapshot: Snapshot, state: UserState) -> None:
    for day in range(20):
        asked, shown = ListRequest(k=6), list[ExternalId]()
        for _ in range(3):
            found = explored(snapshot, state, day, {}, asked)
            shown += [entry["item_id"] for entry in found.entries]
            cursor = asked.next_page(found.entries)
            assert cursor is not None
            asked = asked._replace(shown=decode_cursor(cursor))
        assert len({*shown}) == len(shown) == 18


def test_where_nothing_else_may_be_shown_a_list_stays(snapshot: Snapshot) -> None:
    everything = stored(snapshot, *((item, "hide") for item in snapshot.catalogue.ids[1:]))
    state = UserState.of(snapshot, COLD_USER, everything)
    found = explored(snapshot, state, 1, {}, ListRequest(k=200))
    assert random_items(found) == []
    assert {*found.propensities} <= {1.0}


def test_sessions_draw_by_their_items(snapshot: Snapshot) -> None:
    states = [UserState.of_session(np.array(items, dtype=np.int32)) for items in ([1, 2], [1, 2], [3, 4])]
    first, same, other = (random_items(explored(snapshot, state, 1, {})) for state in states)
    assert first == same != other


@pytest.fixture
def api(own_home: Home) -> Iterator[Api]:
    with Api.over(own_home) as opened:
        yield opened


def test_scenarios_explore_each_by_its_own_rules(api: Api) -> None:
    paths = api.service.settings.paths
    side = '[side]\nk = 6\nbelow = ["hero"]\n[side.rules]\nexplore = 0.0\n'
    paths.scenarios.write_text(f"[hero]\nk = 6\n{side}")
    paths.rules.write_text("explore = 0.5\nquota = 2\n")
    api.service.refresh()
    drawn = 0
    for user in api.users[:20]:
        hero, below = (api.list_of(user, scenario=name)["items"] for name in ("hero", "side"))
        drawn += sum(item["reason"] == "random" for item in hero)
        assert "random" not in {item["reason"] for item in below}
        assert not {item["item_id"] for item in hero} & {item["item_id"] for item in below}
        assert hero == api.list_of(user, scenario="hero")["items"]
    assert drawn > 20


def test_the_chances_are_written_down_with_the_list(api: Api) -> None:
    api.service.settings.paths.rules.write_text("explore = 0.5\n")
    api.service.refresh()
    found = api.list_of(api.users[0])
    session = api.post("/v1/recommendations", {"items": api.items_of(api.users[0])[:3]}).json()
    api.service.refresh()
    with api.service.feedback._store._engine.connect() as connection:
        rows = connection.execute(sa.select(LISTS.c.list_id, LISTS.c["items"])).tuples().all()
    kept = {list_id: orjson.loads(items) for list_id, items in rows}
    for answer in (found, session):
        row = kept[answer["list_id"]]
        chances = dict(zip(row["item_id"], row["propensity"], strict=True))
        for item in answer["items"]:
            chance = chances[str(item["item_id"])]
            assert chance < 0.1 if item["source"] == "random" else chance == pytest.approx(0.5)
