"""Scores made anew, against the fitted models themselves."""

from pathlib import Path
from typing import Any

import pytest

from models.catalog import build
from models.hybrid import Hybrid
from nightschool.contract import Dataset
from nightschool.recipe import Recipe
from serving.answers import ListRequest, make_list
from serving.rules import Rules
from serving.user_state import UserState
from tests.serving.conftest import Served, copied, opened
from tests.serving.homes import HYBRID, make_home, publish
from tests.serving.scored import assert_same, folded, row_of, scorer, told
from tests.serving.sent import history, learner, listed, stored


@pytest.fixture(scope="module")
def dataset(served: Served) -> Dataset:
    return served.dataset


@pytest.fixture(scope="module")
def fitted(dataset: Dataset) -> Hybrid:
    return build(Recipe.model_validate(HYBRID)).fit(dataset, seed=1)


def by(weights: tuple[float, float]) -> Recipe:
    parts = [{"model": name, "weight": weight} for name, weight in zip(("ease", "content"), weights, strict=True)]
    return Recipe.model_validate({"components": parts})


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("event", ["like", "complete", "dislike", "hide"])
def test_an_event_orders_the_unseen_items_as_the_fitted_model_would(
    served: Served, dataset: Dataset, fitted: Hybrid, place: int, event: str
) -> None:
    snapshot = served.snapshot
    user = learner(snapshot, place)
    events = stored(snapshot, (listed(snapshot, user)[3], event), user=user)
    expected = folded(dataset, fitted, row_of(snapshot, dataset, user, events))
    assert_same(told(snapshot, scorer(served, user, events).by_recipe()), expected)


def test_a_disliked_item_of_the_history_is_no_reason_any_more(served: Served, dataset: Dataset, fitted: Hybrid) -> None:
    snapshot = served.snapshot
    user = learner(snapshot)
    liked = next(item for item, score in history(snapshot, user).items() if score > 0)
    events = stored(snapshot, (liked, "dislike"), (listed(snapshot, user)[0], "like"), user=user)
    expected = folded(dataset, fitted, row_of(snapshot, dataset, user, events))
    assert_same(told(snapshot, scorer(served, user, events).by_recipe()), expected)


def test_without_events_the_candidates_stand_in_the_published_order(served: Served) -> None:
    snapshot = served.snapshot
    for user in snapshot.histories.keys.to_list():
        columns = snapshot.lists.columns_of(user)
        found = (
            told(snapshot, scorer(served, user, []).by_recipe()) if served.snapshot.pools.of(user) is not None else {}
        )
        if columns is not None and found:
            assert list(found)[: snapshot.k] == columns["item_id"]
            assert list(found.values())[: snapshot.k] == pytest.approx(columns["score"], abs=2e-4)


def test_a_user_whom_the_release_does_not_know_is_scored_from_events_alone(
    served: Served, dataset: Dataset, fitted: Hybrid
) -> None:
    snapshot = served.snapshot
    events = stored(snapshot, (3, "like"), (5, "complete"), (8, "hide"))
    unknown = scorer(served, 999_999, events)
    assert unknown.by_recipe() is None
    expected = folded(dataset, fitted, row_of(snapshot, dataset, 999_999, events))
    assert_same(told(snapshot, unknown.by_events()), expected)


@pytest.mark.parametrize("events", [[], [(3, "hide")], [(3, "view")]])
def test_a_history_that_likes_nothing_says_nothing(served: Served, events: list[tuple[int, str]]) -> None:
    assert scorer(served, 999_999, stored(served.snapshot, *events)).by_events() is None


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.7, 1.0])
def test_alpha_weighs_collaborative_against_content(served: Served, dataset: Dataset, alpha: float) -> None:
    snapshot = served.snapshot
    user = learner(snapshot, 2)
    events = stored(snapshot, (listed(snapshot, user)[5], "like"), user=user)
    weighed = build(by((alpha, 1 - alpha))).fit(dataset, seed=1)
    for sent in ([], events):
        expected = folded(dataset, weighed, row_of(snapshot, dataset, user, sent))
        assert_same(told(snapshot, scorer(served, user, sent).by_alpha(alpha)), expected)


def test_the_hybrid_s_own_alpha_gives_the_published_order(served: Served) -> None:
    user = learner(served.snapshot)
    found = told(served.snapshot, scorer(served, user, []).by_alpha(0.7))
    assert list(found)[: served.snapshot.k] == listed(served.snapshot, user)


def test_alpha_says_nothing_of_who_has_met_nothing(served: Served) -> None:
    assert scorer(served, 999_999, []).by_alpha(0.5) is None


def test_parts_make_up_the_score_and_a_component_without_a_share_has_none(served: Served) -> None:
    user = learner(served.snapshot)
    found = scorer(served, user, []).by_alpha(0.7)
    assert found is not None
    assert sum(found.parts.values()) == pytest.approx(found.scores, abs=1e-5)
    for alpha, alone in ((1.0, "ease"), (0.0, "content")):
        found = scorer(served, user, []).by_alpha(alpha)
        assert found is not None
        assert list(found.parts) == [alone]


RECIPES: dict[str, dict[str, Any]] = {
    "without weights": {"components": [{"model": "ials", "weight": 0.7}, {"model": "content", "weight": 0.3}]},
    "reranked": {**HYBRID, "alpha": None, "reranker": {"trees": 30, "folds": 2, "min_leaf": 20, "max_users": 150}},
}


@pytest.fixture(scope="module", params=RECIPES)
def other(served: Served, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Served:
    home = copied(served.home, tmp_path_factory.mktemp("other") / "home")
    return opened(home, publish(home, RECIPES[request.param]))


def test_other_recipes_keep_the_published_order_until_an_event(other: Served) -> None:
    snapshot = other.snapshot
    for place in range(10):
        user = learner(snapshot, place)
        found = told(snapshot, scorer(other, user, []).by_recipe())
        assert list(found)[: snapshot.k] == listed(snapshot, user)
        first, *rest = listed(snapshot, user)
        viewed = scorer(other, user, stored(snapshot, (first, "view"), user=user)).by_recipe()
        assert list(told(snapshot, viewed))[: snapshot.k] == [first, *rest]


def test_alpha_leaves_a_reranker_out(other: Served) -> None:
    snapshot = other.snapshot
    users = [learner(snapshot, place) for place in range(10)]
    blended = [list(told(snapshot, scorer(other, user, []).by_alpha(0.7)))[: snapshot.k] for user in users]
    changed = sum(order != listed(snapshot, user) for user, order in zip(users, blended, strict=True))
    assert changed == 0 if snapshot.recipe.reranker is None else changed >= 8


def test_other_recipes_move_with_an_event_towards_what_is_like_it(other: Served) -> None:
    snapshot = other.snapshot
    moved = 0
    for place in range(10):
        user = learner(snapshot, place)
        liked = listed(snapshot, user)[9]
        found = list(told(snapshot, scorer(other, user, stored(snapshot, (liked, "like"), user=user)).by_recipe()))
        rest = [item for item in listed(snapshot, user) if item != liked]
        assert liked not in found
        moved += found[: len(rest)] != rest
        near = snapshot.weights["content"].matrix[[snapshot.catalogue.position(liked)]].toarray()[0]
        before = list(told(snapshot, scorer(other, user, []).by_recipe()))
        nearest = max(found, key=lambda item: near[snapshot.catalogue.position(item)])
        assert found.index(nearest) <= before.index(nearest)
    assert moved >= 8


def test_other_recipes_know_cold_users_by_what_has_weights(other: Served) -> None:
    events = stored(other.snapshot, (3, "like"))
    found = scorer(other, 999_999, events).by_events()
    assert found is not None
    assert set(found.parts) <= set(other.snapshot.weights)
    assert len(found.items) == len(other.snapshot.catalogue) - 1


def test_other_recipes_weigh_alpha(other: Served) -> None:
    snapshot = other.snapshot
    user = learner(snapshot)
    for alpha in (0.0, 0.5, 1.0):
        found = scorer(other, user, []).by_alpha(alpha)
        assert found is not None
        assert sum(found.parts.values()) == pytest.approx(found.scores, abs=1e-4)


def test_ids_may_be_texts(tmp_path: Path) -> None:
    home = make_home(tmp_path / "texts", user_id="String", item_id="String")
    texts = opened(home, publish(home, {"components": [{"model": "content"}]}))
    snapshot = texts.snapshot
    user = learner(snapshot)
    assert isinstance(user, str)
    first, *rest = listed(snapshot, user)
    assert list(told(snapshot, scorer(texts, user, []).by_recipe()))[: snapshot.k] == [first, *rest]
    state = UserState.of(snapshot, user, stored(snapshot, (first, "hide"), user=user))
    shown = make_list(snapshot, state, Rules(exclude=(rest[0],)), ListRequest(k=3))
    assert [entry["item_id"] for entry in shown] == rest[1:4]
