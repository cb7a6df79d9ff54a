"""A filter in the rules: what lists hold under it, and what happens where it does not fit the release."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from nightschool.errors import ConfigurationError
from nightschool.storage.home import Home
from serving.answers import ListRequest, make_list
from serving.listing import Entry, allowed_items, filter_misfit, filter_warnings
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.service import Service
from serving.snapshot import Snapshot
from serving.user_state import UserState
from tests.serving.client import Api
from tests.serving.conftest import Served
from tests.serving.homes import settings_of
from tests.serving.sent import learner, listed

COLD_USER = 999_999
FILTER = 'difficulty <= "Intermediate" and "kanban" not in skills and type != "Video"'
MISFIT = 'price < 20 and difficulty <= "Intermediate"'
WARNING = "no item is shown: the filter of the rules does not fit the release"


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


def kept(snapshot: Snapshot) -> set[ExternalId]:
    """The items that the filter keeps, by their own fields."""
    return {
        row["item_id"]
        for row in snapshot.catalogue.filtered._items.to_dicts()
        if row["difficulty"] != "Advanced" and "kanban" not in row["skills"] and row["type"] != "Video"
    }


def ids(entries: list[Entry]) -> list[ExternalId]:
    return [entry["item_id"] for entry in entries]


@pytest.mark.parametrize("whose", ["known", "cold"])
def test_lists_hold_what_the_filter_keeps_in_their_order_and_are_filled(snapshot: Snapshot, whose: str) -> None:
    user = learner(snapshot) if whose == "known" else COLD_USER
    whole = ids(make_list(snapshot, user, Rules(), ListRequest(k=200)))
    entries = make_list(snapshot, user, Rules(filter=FILTER), ListRequest(k=200))
    own = [entry["item_id"] for entry in entries if "filled" not in entry]
    assert own == [item for item in whole if item in kept(snapshot)]
    allowed = allowed_items(snapshot, UserState.of(snapshot, user), Rules())
    assert set(ids(entries)) == kept(snapshot) & {snapshot.catalogue.ids[place] for place in np.flatnonzero(allowed)}
    assert 3 < len(entries) < 100


def test_a_filter_holds_beside_the_other_rules(snapshot: Snapshot) -> None:
    state = UserState.of(snapshot, COLD_USER)
    rules = Rules(filter=FILTER, exclude_labels=("Design",))
    expected = allowed_items(snapshot, state, Rules(exclude_labels=("Design",))) & snapshot.catalogue.matching(FILTER)
    assert allowed_items(snapshot, state, rules).tolist() == expected.tolist()
    assert expected.any()


def test_a_filter_that_does_not_fit_allows_nothing(snapshot: Snapshot) -> None:
    for text in (MISFIT, f"{MISFIT} or free", "not price < 20", 'price == null or difficulty <= "Advanced"'):
        rules = Rules(filter=text)
        assert not allowed_items(snapshot, UserState.of(snapshot, COLD_USER), rules).any()
        for user in (learner(snapshot), COLD_USER):
            assert make_list(snapshot, user, rules, ListRequest()) == []
        assert "there is no such item column" in str(filter_misfit(snapshot.catalogue, text))
        assert filter_warnings(snapshot.catalogue, rules) == [WARNING]
    assert filter_misfit(snapshot.catalogue, FILTER) is filter_misfit(snapshot.catalogue, None) is None
    assert filter_warnings(snapshot.catalogue, Rules(filter=FILTER)) == []


def change(service: Service, text: str) -> None:
    service.settings.paths.rules.write_text(text)


def items(service: Service, user: ExternalId, **asked: Any) -> list[ExternalId]:
    return [item.item_id for item in service.recommend(user, ListRequest(**asked)).items]


def test_a_changed_filter_that_does_not_fit_leaves_the_rules_before_in_force(writing: Api) -> None:
    service, user = writing.service, learner(writing.snapshot)
    published = listed(writing.snapshot, user)
    change(service, f"exclude = [{published[0]}]\n")
    service.refresh()
    change(service, f"filter = '{MISFIT}'\n")
    with pytest.raises(ConfigurationError, match=r"rules\.toml: filter, character 1: there is no such item column"):
        service.refresh()
    assert items(service, user, k=3) == published[1:4]
    ready = writing.get("/ready")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert ready.json()["reasons"] == ["the rules: those before stay in force, as a file is faulty"]
    change(service, f"filter = '{FILTER}'\n")
    service.refresh()
    assert set(items(service, user)) <= kept(writing.snapshot)
    assert writing.get("/ready").json()["reasons"] == []


@pytest.fixture
def misfitting(own_home: Home) -> Iterator[Api]:
    """A server that starts with a filter which the release does not fit."""
    settings_of(own_home).paths.rules.write_text(f"filter = '{MISFIT}'\n")
    with Api.over(own_home) as api:
        yield api


def test_where_the_filter_in_force_does_not_fit_lists_are_empty_and_all_else_is_served(misfitting: Api) -> None:
    user = learner(misfitting.snapshot)
    for whose in (user, COLD_USER):
        answer = misfitting.get(f"/v1/users/{whose}/recommendations")
        assert answer.status_code == 200
        assert (answer.json()["items"], answer.json()["warnings"]) == ([], [WARNING])
    ready = misfitting.get("/ready")
    assert (ready.status_code, ready.json()["reasons"]) == (200, [f"the rules: {WARNING}"])
    assert "price" not in ready.text
    assert misfitting.get(f"/v1/items/{misfitting.snapshot.catalogue.ids[0]}/similar").status_code == 200
    assert misfitting.service.history(user, 5)
    assert misfitting.service.study_next(user, 5) is None


def test_a_corrected_filter_counts_from_the_next_refresh(misfitting: Api) -> None:
    service, user = misfitting.service, learner(misfitting.snapshot)
    assert items(service, user) == []
    change(service, f"filter = '{FILTER}'\n")
    service.refresh()
    assert set(items(service, user)) <= kept(misfitting.snapshot)
    assert service.recommend(user, ListRequest()).warnings == []
    assert service.warnings == []
