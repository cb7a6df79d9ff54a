"""Reasons of lists that are picked again, beside the published ones."""

from dataclasses import replace

import numpy as np
import pytest

from serving.reasons import reasons_of
from serving.snapshot import Snapshot
from serving.user_state import UserState
from tests.serving.conftest import Served
from tests.serving.sent import learner, stored


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


def told(snapshot: Snapshot, state: UserState, sources: list[str] | None = None) -> list[tuple[str, object]]:
    """The reasons of the published items of a user."""
    published = snapshot.lists.columns_of(state.user_id) or {}
    items = snapshot.catalogue.positions(published["item_id"])
    return list(zip(*reasons_of(snapshot, state, items, sources or published["source"]), strict=True))


def published(snapshot: Snapshot, user: object) -> list[tuple[str, object]]:
    columns = snapshot.lists.columns_of(user) or {}
    return list(zip(columns["reason"], columns["because_item_id"], strict=True))


@pytest.mark.parametrize("place", range(5))
def test_a_user_without_events_has_the_published_reasons(snapshot: Snapshot, place: int) -> None:
    user = learner(snapshot, place)
    assert told(snapshot, UserState.of(snapshot, user)) == published(snapshot, user)


def test_a_source_without_weights_keeps_its_reasons_while_the_user_likes_what_they_name(snapshot: Snapshot) -> None:
    user, bare = learner(snapshot), replace(snapshot, weights={})
    before = published(snapshot, user)
    because = next(item for _, item in before if item is not None)
    state = UserState.of(snapshot, user, stored(snapshot, (because, "dislike"), user=user))
    after = told(bare, state)
    assert [was if was[1] != because else ("whole_history", None) for was in before] == after


def test_an_item_that_was_not_listed_is_explained_by_the_weights_of_its_source(snapshot: Snapshot) -> None:
    state = UserState.of(snapshot, learner(snapshot))
    columns = snapshot.lists.columns_of(state.user_id) or {}
    unseen = np.flatnonzero(state.unseen(len(snapshot.catalogue)))
    items = np.setdiff1d(unseen, snapshot.catalogue.positions(columns["item_id"])).astype(np.int32)
    codes, because = reasons_of(snapshot, state, items, ["content"] * len(items))
    weights = snapshot.weights["content"].matrix[state.completed()][:, items].toarray()
    assert [code == "similar_content" for code in codes] == (weights.max(axis=0) > 0).tolist()
    assert all(item is None or snapshot.catalogue.position(item) in state.completed() for item in because)
    assert set(reasons_of(snapshot, state, items, ["bpr"] * len(items))[0]) == {"whole_history"}
