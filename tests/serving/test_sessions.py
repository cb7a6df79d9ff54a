"""Lists for sessions beside those of users with the same history, and orders of given items beside lists."""

import pytest

from nightschool.errors import ConfigurationError
from nightschool.vocabulary import POPULARITY
from serving.answers import ListRequest, make_list
from serving.cursors import decode_cursor
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.schemas.lists import RankedList, SessionList
from serving.sessions import ranked_list, session_list, session_of
from serving.snapshot import Snapshot
from serving.user_state import UserState
from tests.serving.conftest import Served
from tests.serving.sent import learner, listed, stored

COLD_USER = 999_999
PLAIN = Rules()


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


def session(snapshot: Snapshot, items: list[ExternalId], rules: Rules = PLAIN, **asked: object) -> SessionList:
    return SessionList.model_validate(session_list(snapshot, items, rules, ListRequest(**asked))[0])  # type: ignore[arg-type]


def ranked(snapshot: Snapshot, user: UserState, items: list[ExternalId], rules: Rules = PLAIN) -> RankedList:
    return RankedList.model_validate(ranked_list(snapshot, user, items, rules, ListRequest()))


def test_a_session_gets_the_list_of_a_new_user_who_sent_the_same(snapshot: Snapshot) -> None:
    met = listed(snapshot, learner(snapshot))[:3]
    user = UserState.of(snapshot, COLD_USER, stored(snapshot, *((item, "like") for item in met)))
    expected = make_list(snapshot, user, PLAIN, ListRequest(k=20))
    found = session(snapshot, met, k=20)
    assert [(item.item_id, item.score, item.because_item_id) for item in found.items] == [
        (entry["item_id"], entry["score"], entry["because_item_id"]) for entry in expected
    ]
    assert not {item.item_id for item in found.items} & set(met)
    assert (found.unknown, found.filled) == ([], 0)


def test_an_empty_session_gets_what_is_popular_and_one_of_strangers_says_so(snapshot: Snapshot) -> None:
    popular = session(snapshot, [])
    strange = session(snapshot, [10**9, "no id", 10**9])
    assert [item.item_id for item in strange.items] == [item.item_id for item in popular.items]
    assert strange.unknown == ["1000000000", "no id"]
    assert {item.reason for item in popular.items} == {"popular"}


def test_what_a_session_repeats_counts_once(snapshot: Snapshot) -> None:
    first, second = listed(snapshot, learner(snapshot))[:2]
    assert session(snapshot, [second, first, second]).items == session(snapshot, [first, second]).items


def test_rules_and_parameters_hold_for_sessions(snapshot: Snapshot) -> None:
    met = listed(snapshot, learner(snapshot))[:2]
    best = session(snapshot, met).items[0].item_id
    assert best not in [item.item_id for item in session(snapshot, met, Rules(exclude=(best,))).items]
    assert best not in [item.item_id for item in session(snapshot, met, exclude=(str(best),)).items]
    with pytest.raises(ConfigurationError, match="no such category"):
        session(snapshot, met, category="nothing")
    assert session(snapshot, met, alpha=0.0).alpha == 0.0


def test_pages_of_a_session_go_on(snapshot: Snapshot) -> None:
    met = listed(snapshot, learner(snapshot))[:2]
    whole = session(snapshot, met, k=12).items
    first = session(snapshot, met, k=6)
    second = session(snapshot, met, k=6, shown=decode_cursor(first.next or ""))
    assert [*first.items, *second.items] == whole


def test_given_items_stand_as_in_the_list(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    order = listed(snapshot, user)
    state = UserState.of(snapshot, user)
    assert [item.item_id for item in ranked(snapshot, state, order[::-1]).items] == order
    assert [item.item_id for item in ranked(snapshot, state, [order[7], order[2]]).items] == [order[2], order[7]]


def test_what_no_pool_holds_is_ranked_too(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    state = UserState.of(snapshot, user)
    everything = [*snapshot.catalogue.ids]
    found = ranked(snapshot, state, everything)
    assert len(found.items) + len(found.left_out) == len(everything)
    assert {left.why for left in found.left_out} == {"completed"}
    assert [item.rank for item in found.items] == list(range(1, len(found.items) + 1))


def test_what_may_not_be_shown_is_told_with_the_reason(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    hidden, ruled_out, best = listed(snapshot, user)[:3]
    state = UserState.of(snapshot, user, stored(snapshot, (hidden, "hide")))
    done = next(snapshot.catalogue.ids[place] for place, met in state.published.items() if met.score > 0)
    found = ranked(snapshot, state, [hidden, 10**9, done, best, ruled_out, hidden], Rules(exclude=(ruled_out,)))
    assert [item.item_id for item in found.items] == [best]
    assert [(left.item_id, left.why) for left in found.left_out] == [
        ("1000000000", "unknown"),
        (hidden, "hidden"),
        (done, "completed"),
        (ruled_out, "rules"),
    ]


def test_for_somebody_unknown_what_is_liked_most_comes_first(snapshot: Snapshot) -> None:
    state, _ = session_of(snapshot, [])
    found = ranked(snapshot, state, [*snapshot.catalogue.ids])
    assert found.user_id is None
    assert {item.source for item in found.items} == {POPULARITY}
    likes = [snapshot.popularity[snapshot.catalogue.positions([item.item_id])[0]] for item in found.items]
    assert likes == sorted(likes, reverse=True)
