"""Scores of releases by models of order, against the fitted models themselves."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from models.catalog import build
from models.hybrid import Hybrid
from nightschool.contract import Dataset
from nightschool.recipe import Recipe
from serving.candidates import Scorer
from serving.listing import picked_list
from serving.user_state import UserState
from tests.serving.conftest import Served, copied, opened
from tests.serving.homes import publish
from tests.serving.scored import assert_same, folded, scorer, sequence, told
from tests.serving.sent import history, learner, listed, stored


@pytest.fixture(scope="module")
def dataset(served: Served) -> Dataset:
    return served.dataset


BY_ORDER: dict[str, dict[str, Any]] = {
    "one": {"components": [{"model": "next_ridge", "params": {"recency": 2.0}}]},
    "blend": {
        "components": [
            {"model": "transitions", "weight": 0.5, "params": {"recency": 4.0}},
            {"model": "ease", "weight": 0.3},
            {"model": "content", "weight": 0.2},
        ]
    },
    "network": {
        "components": [
            {"model": "sasrec", "weight": 0.6, "params": {"width": 8, "length": 10, "epochs": 2, "dropout": 0.0}},
            {"model": "ease", "weight": 0.4},
        ]
    },
}


class ByOrder(NamedTuple):
    """A release by models of order, and its recipe fitted again."""

    served: Served
    fitted: Hybrid


@pytest.fixture(scope="module", params=BY_ORDER)
def by_order(
    served: Served, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> ByOrder:
    home = copied(served.home, tmp_path_factory.mktemp("order") / "home")
    recipe = BY_ORDER[request.param]
    return ByOrder(opened(home, publish(home, recipe)), build(Recipe.model_validate(recipe)).fit(dataset, seed=1))


@pytest.mark.parametrize("place", range(4))
def test_an_event_orders_the_unseen_items_as_a_model_of_order_would(
    by_order: ByOrder, dataset: Dataset, place: int
) -> None:
    served, fitted = by_order
    snapshot = served.snapshot
    user = learner(snapshot, place)
    first, second, third, *_ = listed(snapshot, user)
    oldest = list(history(snapshot, user))[-1]
    sent = [(first, "like"), (second, "hide"), (oldest, "complete"), (third, "like")]
    for n in range(len(sent) + 1):
        events = stored(snapshot, *sent[:n], user=user)
        expected = folded(dataset, fitted, sequence(snapshot, dataset, user, events))
        assert_same(told(snapshot, scorer(served, user, events).by_recipe()), expected)


def test_a_cold_user_is_scored_by_the_order_of_their_events(by_order: ByOrder, dataset: Dataset) -> None:
    snapshot = by_order.served.snapshot
    found = []
    for items in ((3, 5, 8), (8, 5, 3)):
        events = stored(snapshot, *((item, "like") for item in items), user=999_999)
        expected = folded(dataset, by_order.fitted, sequence(snapshot, dataset, 999_999, events))
        scores = told(snapshot, scorer(by_order.served, 999_999, events).by_events())
        assert_same(scores, expected)
        found.append(list(scores))
    assert found[0] != found[1]


def test_without_events_a_release_by_order_keeps_its_lists_and_their_reasons(by_order: ByOrder) -> None:
    snapshot = by_order.served.snapshot
    for place in range(10):
        user = learner(snapshot, place)
        state = UserState.of(snapshot, user, ())
        candidates = Scorer(snapshot, state).by_recipe()
        assert candidates is not None
        shown = picked_list(snapshot, state, candidates, range(snapshot.k))
        published = snapshot.lists.columns_of(user) or {}
        for column in ("item_id", "source", "reason", "because_item_id"):
            assert [entry[column] for entry in shown] == published[column]


@pytest.mark.parametrize("by_order", ["one"], indirect=True)
def test_the_reason_of_a_model_of_order_is_the_largest_faded_weight(by_order: ByOrder) -> None:
    snapshot = by_order.served.snapshot
    checked = 0
    for place in range(10):
        user = learner(snapshot, place)
        published = snapshot.lists.columns_of(user) or {}
        for item, source, because in zip(
            *(published[name] for name in ("item_id", "source", "because_item_id")), strict=True
        ):
            weights = snapshot.weights[source]
            if weights.recency is None:
                continue
            target = snapshot.catalogue.position(item)
            strengths = {
                seen: np.exp(-age / weights.recency) * weights.matrix[snapshot.catalogue.position(seen), target]
                for age, (seen, score) in enumerate(history(snapshot, user).items())
                if score > 0
            }
            assert because == max(strengths, key=strengths.__getitem__)
            checked += 1
    assert checked > 50
