from datetime import timedelta

import pytest

from nightschool.storage.events import Stored
from serving.snapshot import Snapshot
from serving.user_state import Interaction, UserState, liked_row
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


def test_a_liked_row_holds_ones_in_ascending_places() -> None:
    row = liked_row(
        {5: Interaction(3.0, None), 2: Interaction(1.0, None), 4: Interaction(-1.0, None), 1: Interaction(0.0, None)}, 7
    )
    assert row.toarray().tolist() == [[0, 0, 1, 0, 0, 1, 0]]
    assert row.indices.tolist() == [2, 5]
    assert liked_row({}, 3).toarray().tolist() == [[0, 0, 0]]
