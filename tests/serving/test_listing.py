"""Each rule by itself, on the published release of a hybrid; other recipes' lists before and after an event."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nightschool.errors import ConfigurationError
from nightschool.storage.release import UNEXPLAINED
from nightschool.vocabulary import EVERYONE
from serving.answers import ListRequest, make_list
from serving.listing import Entry, Narrowing, allowed_items, in_words, random_entry
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from serving.user_state import UserState
from tests.serving.conftest import Served
from tests.serving.sent import history, learner, listed, stored

COLD_USER = 999_999


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


def ask(snapshot: Snapshot, whose: UserState | ExternalId, k: int = 20, **rules: Any) -> list[Entry]:
    return make_list(snapshot, whose, Rules(**rules), ListRequest(k=k))


def ids(entries: list[Entry]) -> list[ExternalId]:
    return [entry["item_id"] for entry in entries]


def everything(snapshot: Snapshot, user: ExternalId) -> list[ExternalId]:
    """All that a user may be shown, best first."""
    return ids(ask(snapshot, user, k=200))


def kind(snapshot: Snapshot, item: ExternalId) -> int:
    return int(snapshot.catalogue.kinds[snapshot.catalogue.positions([item])[0]])


def level(snapshot: Snapshot, item: ExternalId) -> int:
    return int(snapshot.catalogue.levels[snapshot.catalogue.positions([item])[0]])


def bears(snapshot: Snapshot, item: ExternalId, label: str) -> bool:
    return bool(snapshot.catalogue.labelled(label)[snapshot.catalogue.positions([item])[0]])


@pytest.fixture(params=["known", "cold"])
def user(snapshot: Snapshot, request: pytest.FixtureRequest) -> ExternalId:
    return learner(snapshot) if request.param == "known" else COLD_USER


def test_excluded_items_give_way_to_the_next(snapshot: Snapshot, user: ExternalId) -> None:
    order = everything(snapshot, user)
    for gone in ((order[0], order[2]), (str(order[0]), str(order[2])), (order[0], order[2], "x", 10**9)):
        assert ids(ask(snapshot, user, k=5, exclude=gone)) == [order[1], *order[3:7]]


def test_items_of_an_excluded_label_give_way(snapshot: Snapshot, user: ExternalId) -> None:
    order = everything(snapshot, user)
    domain = snapshot.catalogue.item(int(order[0])).labels["domain"][0]
    expected = [item for item in order if not bears(snapshot, item, domain)]
    assert ids(ask(snapshot, user, k=200, exclude_labels=(domain,))) == expected
    assert ids(ask(snapshot, user, k=200, exclude_labels=("no such label",))) == order


def test_a_boost_lifts_by_standard_deviations(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    scores = {entry["item_id"]: entry["score"] for entry in ask(snapshot, user, k=200, diversity=0, quota=200)}
    lifted = {item: score + 0.5 * bears(snapshot, item, "python") for item, score in scores.items()}
    found = {e["item_id"]: e["score"] for e in ask(snapshot, user, k=200, boost={"python": 0.5, "no such label": 9.0})}
    assert found == pytest.approx(lifted, abs=1e-4)
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_a_boost_of_two_labels_adds_up(snapshot: Snapshot, user: ExternalId) -> None:
    names = ("python", "Video")
    both = ids(ask(snapshot, user, k=200, boost=dict.fromkeys(names, 50.0)))
    counts = [sum(bears(snapshot, item, name) for name in names) for item in both]
    assert counts == sorted(counts, reverse=True)
    assert max(counts) > min(counts)


@pytest.mark.parametrize("quota", [1, 2, 3])
def test_a_quota_passes_over_what_a_kind_has_too_much_of(snapshot: Snapshot, user: ExternalId, quota: int) -> None:
    expected: list[ExternalId] = []
    for item in everything(snapshot, user):
        if sum(kind(snapshot, other) == kind(snapshot, item) for other in expected) < quota:
            expected.append(item)
    assert ids(ask(snapshot, user, k=200, quota=quota)) == expected


@pytest.mark.parametrize("steps", [0, 1])
def test_steps_bound_the_level_by_the_highest_that_was_completed(snapshot: Snapshot, steps: int) -> None:
    beginner = next(item for item in snapshot.catalogue.ids if level(snapshot, item) == 0)
    state = UserState.of(snapshot, COLD_USER, stored(snapshot, (beginner, "complete")))
    shown = ids(ask(snapshot, state, k=200, difficulty_steps=steps))
    assert shown == [item for item in ids(ask(snapshot, state, k=200)) if level(snapshot, item) <= steps]
    assert len(shown) > 5


def test_who_completed_nothing_starts_at_the_lowest_level(snapshot: Snapshot) -> None:
    expected = [item for item in everything(snapshot, COLD_USER) if level(snapshot, item) <= 0]
    assert expected
    for steps in (0, 1):
        assert ids(ask(snapshot, COLD_USER, difficulty_steps=steps)) == expected


def from_pool(entries: list[Entry]) -> list[ExternalId]:
    return [entry["item_id"] for entry in entries if "filled" not in entry]


@pytest.mark.parametrize(("name", "highest"), [("Beginner", 0), ("Intermediate", 1), ("Advanced", 2)])
def test_a_request_bounds_the_level(snapshot: Snapshot, user: ExternalId, name: str, highest: int) -> None:
    found = from_pool(make_list(snapshot, user, Rules(), ListRequest(k=200, max_difficulty=name)))
    assert found == [item for item in everything(snapshot, user) if level(snapshot, item) <= highest]


def test_the_lower_of_two_bounds_holds(snapshot: Snapshot) -> None:
    state = UserState.of(snapshot, COLD_USER, ())
    found = allowed_items(snapshot, state, Rules(difficulty_steps=1), Narrowing(max_difficulty="Advanced"))
    assert found.tolist() == (snapshot.catalogue.levels <= 0).tolist()


def test_a_level_that_is_none_is_refused_with_those_there_are(snapshot: Snapshot) -> None:
    with pytest.raises(ConfigurationError, match=r"Expert.*use one of Beginner, Intermediate, Advanced"):
        make_list(snapshot, 1, Rules(), ListRequest(max_difficulty="Expert"))


def test_a_request_asks_for_a_category(snapshot: Snapshot, user: ExternalId) -> None:
    for label in ("python", "Video", "Design"):
        found = from_pool(make_list(snapshot, user, Rules(), ListRequest(k=200, category=label)))
        assert found == [item for item in everything(snapshot, user) if bears(snapshot, item, label)]
    with pytest.raises(ConfigurationError, match="no such category; saw 'no such label'; use one of"):
        make_list(snapshot, user, Rules(), ListRequest(category="no such label"))


def test_diversity_at_its_ends(snapshot: Snapshot, user: ExternalId) -> None:
    order = everything(snapshot, user)
    assert ids(ask(snapshot, user, k=20, diversity=0.0)) == order[:20]
    diverse = ids(ask(snapshot, user, k=5, diversity=1.0))
    assert diverse[0] == order[0]
    rows = snapshot.catalogue.similarity_features[snapshot.catalogue.positions(order)]
    alike = (rows @ rows.T).toarray()
    picked = [0]
    for _ in range(4):
        nearest = alike[:, picked].max(axis=1)
        nearest[picked] = np.inf
        picked.append(int(nearest.argmin()))
    assert diverse == [order[place] for place in picked]


def test_diversity_makes_a_list_less_alike(snapshot: Snapshot) -> None:
    def mean_similarity(items: list[ExternalId]) -> float:
        rows = snapshot.catalogue.similarity_features[snapshot.catalogue.positions(items)]
        return float(np.tril((rows @ rows.T).toarray(), -1).sum())

    user = learner(snapshot)
    assert mean_similarity(ids(ask(snapshot, user, k=10, diversity=0.6))) < mean_similarity(
        ids(ask(snapshot, user, k=10))
    )


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_alpha_and_an_event_together(snapshot: Snapshot, alpha: float) -> None:
    state = UserState.of(snapshot, COLD_USER, stored(snapshot, (3, "like")))
    entries = ask(snapshot, state, alpha=alpha)
    assert len(entries) == 20
    assert {entry["source"] for entry in entries} <= (
        {"content"} if alpha == 0 else {"ease"} if alpha == 1 else {"ease", "content"}
    )


def test_without_content_alpha_is_refused(snapshot: Snapshot) -> None:
    bare = replace(snapshot, weights={"ease": snapshot.weights["ease"]})
    assert not bare.has_content
    for user in (learner(snapshot), COLD_USER):
        with pytest.raises(ConfigurationError, match=r"no content scores for alpha.*alpha=0\.5"):
            ask(bare, user, alpha=0.5)


def test_alpha_says_nothing_of_a_cold_user(snapshot: Snapshot) -> None:
    assert ids(ask(snapshot, COLD_USER, k=5, alpha=0.2)) == [item for item, _ in snapshot.audiences[EVERYONE][:5]]


def test_whom_the_night_left_with_the_audience_s_list_keeps_it_under_rules(snapshot: Snapshot) -> None:
    quiet = [
        user
        for user in snapshot.lists.keys.to_list()
        if snapshot.pools.of(user) is None and sum(score > 0 for score in history(snapshot, user).values()) > 2
    ]
    assert quiet
    for user in quiet:
        published = listed(snapshot, user)
        assert ids(ask(snapshot, user, exclude=(published[1],))) == [published[0], *published[2:]]
        liked = UserState.of(snapshot, user, stored(snapshot, (published[0], "like"), user=user))
        assert {entry["source"] for entry in ask(snapshot, liked)} <= {"ease", "content"}


def test_reasons_in_words(snapshot: Snapshot) -> None:
    title = snapshot.catalogue.item(3).title
    assert in_words(snapshot, "because_of_item", 3) == f"because of {title}"
    assert in_words(snapshot, "similar_content", 3) == f"similar to {title}"
    assert in_words(snapshot, "because_of_item", COLD_USER) == f"because of {COLD_USER}"
    assert in_words(snapshot, "whole_history", None) == "fits your history as a whole"
    assert in_words(snapshot, "audience", None) == "popular with people like you"
    assert in_words(snapshot, "because_of_item", None) == "popular with everyone"
    drawn = random_entry(snapshot, 4, 3)
    assert (drawn["rank"], drawn["item_id"], drawn["source"], drawn["why"]) == (4, 3, "random", "something different")


def test_a_component_that_the_release_says_explains_nothing_gives_no_item_as_its_reason(snapshot: Snapshot) -> None:
    said = ask(snapshot, learner(snapshot), quota=20)  # a list under rules is picked again
    sources = {entry["source"] for entry in said if entry["because_item_id"] is not None}
    assert sources
    silent = snapshot.release.model_copy(update={"gates": {UNEXPLAINED: sorted(sources)}})
    unsaid = ask(replace(snapshot, release=silent), learner(snapshot), quota=20)
    assert ids(unsaid) == ids(said)
    assert {(entry["reason"], entry["because_item_id"]) for entry in unsaid} == {("popular", None)}
