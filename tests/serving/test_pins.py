import numpy as np
import pytest

from serving.answers import ListRequest, make_list
from serving.listing import Entry, allowed_items, pinned_entry
from serving.pins import pinned, pins_of
from serving.rules import Rules
from serving.steering import SteeredRules
from serving.user_state import UserState
from tests.serving.conftest import Served


def entries(served: Served, *positions: int) -> list[Entry]:
    ids = served.snapshot.catalogue.ids
    return [
        {**pinned_entry(served.snapshot, rank, ids[place]), "source": "ease"}
        for rank, place in enumerate(positions, start=1)
    ]


def places(served: Served, made: list[Entry]) -> list[int]:
    assert [entry["rank"] for entry in made] == [*range(1, len(made) + 1)]
    return [int(place) for place in served.snapshot.catalogue.positions(entry["item_id"] for entry in made)]


def pins(served: Served, *pairs: tuple[int, int], before: int = 0, k: int = 10, hidden: int | None = None) -> object:
    ids = served.snapshot.catalogue.ids
    allowed = np.ones(len(ids), dtype=bool)
    if hidden is not None:
        allowed[hidden] = False
    rules = SteeredRules(pinned=tuple((place, str(ids[item])) for place, item in pairs))
    return pins_of(served.snapshot, rules, allowed, before, k)


def test_items_are_pinned_at_their_places(served: Served) -> None:
    assert pins(served, (1, 5), (4, 6)) == {1: 5, 4: 6}
    assert pins_of(served.snapshot, Rules(), np.ones(1, dtype=bool), 0, 10) == {}


def test_of_several_items_at_one_place_the_later_ones_move_down(served: Served) -> None:
    assert pins(served, (2, 5), (2, 6), (3, 7), (9, 8)) == {2: 5, 3: 6, 4: 7, 9: 8}
    assert pins(served, (10, 5), (10, 6)) == {10: 5}


def test_an_item_that_may_not_be_shown_or_is_unknown_is_pinned_nowhere(served: Served) -> None:
    assert pins(served, (1, 5), (1, 6), hidden=5) == {1: 6}
    rules = SteeredRules(pinned=((1, "999999"), (2, "no number")))
    assert pins_of(served.snapshot, rules, np.ones(len(served.snapshot.catalogue), dtype=bool), 0, 10) == {}


def test_an_item_that_is_pinned_twice_stands_at_the_first_place(served: Served) -> None:
    assert pins(served, (1, 5), (3, 5)) == {1: 5}


def test_a_pin_is_on_the_page_that_holds_its_place(served: Served) -> None:
    assert pins(served, (1, 5), (12, 6), (21, 7), before=10) == {2: 6}


def test_the_others_move_down_and_keep_their_order(served: Served) -> None:
    made = pinned(served.snapshot, entries(served, 0, 1, 2, 3), {1: 8, 3: 9}, Rules(), 4)
    assert places(served, made) == [8, 0, 9, 1]
    assert [entry["source"] for entry in made] == ["pinned", "ease", "pinned", "ease"]
    assert {entry["why"] for entry in made if entry["reason"] == "pinned"} >= {"pinned here by the operator"}


def test_a_pin_behind_the_end_closes_the_list(served: Served) -> None:
    assert places(served, pinned(served.snapshot, entries(served, 0, 1), {7: 9}, Rules(), 10)) == [0, 1, 9]
    assert places(served, pinned(served.snapshot, [], {1: 9}, Rules(), 10)) == [9]


@pytest.mark.parametrize("quota", [1, 2])
def test_pins_count_for_the_quota(served: Served, quota: int) -> None:
    kinds = served.snapshot.catalogue.kinds
    same, other = np.flatnonzero(kinds == kinds[0])[:4].tolist(), np.flatnonzero(kinds != kinds[0])[:2].tolist()
    made = entries(served, *same[:quota], *other)
    one = places(served, pinned(served.snapshot, made, {1: same[3]}, Rules(quota=quota), quota + 1))
    assert one == [same[3], *same[: quota - 1], *other][: quota + 1]
    two = pinned(served.snapshot, entries(served, *other), {1: same[2], 2: same[3]}, Rules(quota=1), 3)
    assert places(served, two) == [same[2], other[0], *([] if kinds[other[0]] == kinds[other[1]] else [other[1]])]


@pytest.mark.parametrize("k", [3, 10, 20])
def test_a_list_without_banned_items_is_the_published_one_as_the_rules_would_pick_it(served: Served, k: int) -> None:
    snapshot = served.snapshot
    for user in snapshot.lists.keys[:20]:
        published = make_list(snapshot, user, Rules(), ListRequest(k))
        gone = [str(entry["item_id"]) for entry in published[:2]]
        looked_up = make_list(snapshot, user, SteeredRules(banned=(*gone, "x")), ListRequest(k))
        picked = make_list(snapshot, user, Rules(exclude=tuple(gone)), ListRequest(k))
        assert [(e["item_id"], e["rank"], e["reason"]) for e in looked_up] == [
            (e["item_id"], e["rank"], e["reason"]) for e in picked
        ]
        assert make_list(snapshot, user, SteeredRules(banned=("x",)), ListRequest(k)) == published


def test_pins_are_of_items_that_the_rules_allow(served: Served) -> None:
    snapshot = served.snapshot
    ids = snapshot.catalogue.ids
    rules = SteeredRules(pinned=((1, str(ids[3])),), banned=(str(ids[3]),))
    user = UserState.of(snapshot, snapshot.lists.keys[0])
    assert pins_of(snapshot, rules, allowed_items(snapshot, user, rules), 0, 10) == {}
