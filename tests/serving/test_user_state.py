from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from scipy.sparse import csr_array

from nightschool.ranking.foldin import ItemWeights
from nightschool.storage.events import Stored
from serving.snapshot import Snapshot
from serving.user_state import Interaction, UserState, as_histories
from tests.serving.conftest import Served
from tests.serving.sent import at, history, learner, listed, stored


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


def places(snapshot: Snapshot, *items: object) -> tuple[int, ...]:
    return tuple(snapshot.catalogue.positions(items).tolist())  # type: ignore[arg-type]


def test_without_events_a_person_is_what_the_release_knew(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    state = UserState.of(snapshot, user, ())
    assert state.known
    assert state.sent == ()
    assert {snapshot.catalogue.ids[place]: met.score for place, met in state.current.items()} == history(snapshot, user)
    assert state.current == state.published
    seen = sorted(snapshot.catalogue.ids[place] for place in state.completed())  # type: ignore[type-var]
    assert seen == sorted(item for item, score in history(snapshot, user).items() if score > 0)  # type: ignore[type-var]


def test_somebody_whom_the_release_does_not_know_has_their_events_alone(snapshot: Snapshot) -> None:
    state = UserState.of(snapshot, 999_999, stored(snapshot, (3, "like"), (5, "hide")))
    assert not state.known
    assert not state.published
    assert state.sent == places(snapshot, 5, 3)
    assert state.completed().tolist() == list(places(snapshot, 3))
    assert (~state.unseen(len(snapshot.catalogue))).nonzero()[0].tolist() == sorted(places(snapshot, 3, 5))


@pytest.mark.parametrize(("event", "score"), [("complete", 1), ("like", 1), ("dislike", -1), ("hide", -1)])
def test_what_an_event_says(snapshot: Snapshot, event: str, score: float) -> None:
    user = learner(snapshot)
    item = listed(snapshot, user)[0]
    sent = stored(snapshot, (item, event))
    state = UserState.of(snapshot, user, sent)
    (place,) = state.sent
    assert snapshot.catalogue.ids[place] == item
    assert state.current[place] == Interaction(score, sent[0].at)


def test_a_view_says_nothing(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    state = UserState.of(snapshot, user, stored(snapshot, (listed(snapshot, user)[0], "view")))
    assert state.sent == ()
    assert state.current == state.published


@pytest.mark.parametrize("item", [999_999, "x", "007"])
def test_an_item_that_the_release_does_not_have_says_nothing(snapshot: Snapshot, item: int | str) -> None:
    assert not UserState.of(snapshot, 999_999, stored(snapshot, (item, "like"))).current


def test_of_an_item_the_latest_event_counts(snapshot: Snapshot) -> None:
    sent = stored(snapshot, (3, "like"), (5, "like"), (3, "dislike"))
    state = UserState.of(snapshot, 999_999, sent)
    assert state.sent == places(snapshot, 3, 5)
    assert state.completed().tolist() == list(places(snapshot, 5))
    late = [sent[2], at(sent[0]._replace(sequence=9), sent[0].at)]
    assert UserState.of(snapshot, 999_999, late).current[places(snapshot, 3)[0]].score == -1


def test_of_two_events_at_once_the_one_taken_in_last_counts(snapshot: Snapshot) -> None:
    first, second = stored(snapshot, (3, "like"), (3, "hide"))
    state = UserState.of(snapshot, 999_999, [first, at(second, first.at)])
    assert state.current[places(snapshot, 3)[0]].score == -1


def test_events_that_the_release_knows_change_nothing(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    before = UserState.of(snapshot, user, ())
    known = [
        Stored(place, f"k{place}", str(user), str(snapshot.catalogue.ids[item]), "like", met.at)
        for place, (item, met) in enumerate(before.published.items(), start=1)
        if met.score > 0 and met.at is not None
    ]
    state = UserState.of(snapshot, user, known)
    assert state.sent == ()
    assert state.current.keys() == before.current.keys()
    assert sorted(state.completed()) == sorted(before.completed())


def test_an_event_older_than_what_the_release_knows_of_the_item_is_passed_over(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    place, met = next(
        (place, met) for place, met in UserState.of(snapshot, user, ()).published.items() if met.score > 0
    )
    assert met.at is not None
    (event,) = stored(snapshot, (snapshot.catalogue.ids[place], "dislike"))
    old = UserState.of(snapshot, user, [at(event, met.at - timedelta(microseconds=1))])
    assert old.sent == ()
    assert old.current[place] == met
    assert UserState.of(snapshot, user, [at(event, met.at)]).sent == (place,)


def test_who_goes_back_to_what_the_release_knew_has_changed_nothing(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    item = next(item for item, score in history(snapshot, user).items() if score > 0)
    assert UserState.of(snapshot, user, stored(snapshot, (item, "dislike"), (item, "like"))).sent == ()


def ids(snapshot: Snapshot, state: UserState) -> list[object]:
    return [snapshot.catalogue.ids[place] for place in state.current]


def test_a_history_begins_with_the_newest(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    known = list(history(snapshot, user))
    assert ids(snapshot, UserState.of(snapshot, user, ())) == known
    first, second = listed(snapshot, user)[:2]
    sent = stored(snapshot, (first, "like"), (known[-1], "like"), (second, "hide"))
    assert ids(snapshot, UserState.of(snapshot, user, sent)) == [second, known[-1], first, *known[:-1]]


def test_an_event_takes_its_place_by_time_and_before_what_has_none(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    newest, *older = UserState.of(snapshot, user, ()).published.values()
    assert newest.at is not None
    (event,) = stored(snapshot, (listed(snapshot, user)[0], "like"))
    between = UserState.of(snapshot, user, [at(event, newest.at - timedelta(microseconds=1))])
    assert ids(snapshot, between)[1] == listed(snapshot, user)[0]
    at_once = UserState.of(snapshot, user, [at(event, newest.at)])
    assert ids(snapshot, at_once)[0] == listed(snapshot, user)[0]
    assert len(at_once.current) == len(older) + 2


def test_liking_an_item_again_changes_what_a_release_by_order_knows(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    item = next(item for item, score in reversed(history(snapshot, user).items()) if score > 0)
    again = stored(snapshot, (item, "like"))
    assert UserState.of(snapshot, user, again).sent == ()
    n_items = len(snapshot.catalogue)
    by_order = ItemWeights(csr_array((n_items, n_items), dtype=np.float32), recency=3.0)
    by_order_too = replace(snapshot, weights={**snapshot.weights, "next_ridge": by_order})
    assert UserState.of(by_order_too, user, again).sent == places(snapshot, item)


def test_a_history_is_encoded_with_its_places() -> None:
    given = {5: 3.0, 2: 1.0, 4: -1.0, 1: 0.0}
    found = as_histories({item: Interaction(score, None) for item, score in given.items()}, 7)
    assert found.scores.toarray().tolist() == [[0, 0, 1, 0, -1, 3, 0]]
    assert found.scores.indices.tolist() == [1, 2, 4, 5]
    assert found.places is not None
    assert found.places.tolist() == [3, 1, 2, 0]
    assert as_histories({}, 3).scores.toarray().tolist() == [[0, 0, 0]]
