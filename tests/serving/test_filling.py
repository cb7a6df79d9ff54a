"""Narrowed lists: as long as the catalogue allows, and honest about where the rest comes from."""

import numpy as np
import pytest

from nightschool.errors import ConfigurationError
from serving.answers import ListRequest, make_list
from serving.catalogue import Catalogue
from serving.rules import Rules
from serving.snapshot import Snapshot
from serving.user_state import UserState
from tests.serving.conftest import Served
from tests.serving.sent import history, learner, stored

COLD_USER = 999_999


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


def smallest_label(catalogue: Catalogue) -> str:
    return min(catalogue.label_names, key=lambda label: int(catalogue.labelled(label).sum()))


@pytest.mark.parametrize("place", range(12))
def test_a_small_category_gives_all_that_its_user_has_not_met(snapshot: Snapshot, place: int) -> None:
    catalogue, user = snapshot.catalogue, learner(snapshot, place)
    label = smallest_label(catalogue)
    unmet = [item for item in np.array(catalogue.ids)[catalogue.labelled(label)] if item not in history(snapshot, user)]
    entries = make_list(snapshot, user, Rules(), ListRequest(k=200, category=label))
    assert sorted(entry["item_id"] for entry in entries) == sorted(unmet)
    assert [entry["rank"] for entry in entries] == [*range(1, len(unmet) + 1)]


def test_the_lowest_level_and_a_cold_user_are_filled_too(snapshot: Snapshot) -> None:
    lowest = snapshot.catalogue.level_names[0]
    for whose in (learner(snapshot), COLD_USER):
        entries = make_list(snapshot, whose, Rules(), ListRequest(k=20, max_difficulty=lowest))
        assert len(entries) == 20
        assert {entry["difficulty"] for entry in entries} <= {lowest, None}


def test_what_is_filled_in_comes_last_by_history_and_then_by_popularity(snapshot: Snapshot) -> None:
    label = smallest_label(snapshot.catalogue)
    liked = stored(snapshot, *((item, "like") for item in snapshot.catalogue.ids[:3]))
    state = UserState.of(snapshot, COLD_USER, liked)
    for whose in (state, COLD_USER):
        entries = make_list(snapshot, whose, Rules(), ListRequest(k=200, category=label))
        marks = ["filled" in entry for entry in entries]
        assert marks == sorted(marks)
        popular = [entry for entry in entries if entry["source"] == "popularity"]
        assert popular == entries[len(entries) - len(popular) :]
        counts = [snapshot.popularity[snapshot.catalogue.position(entry["item_id"])] for entry in popular]
        assert counts == sorted(counts, reverse=True)
        assert all(entry["why"] == "popular with everyone" for entry in popular)


def test_popularity_counts_who_liked_an_item(snapshot: Snapshot) -> None:
    item = snapshot.catalogue.ids[5]
    users = snapshot.histories.keys.to_list()
    assert snapshot.popularity[5] == sum(history(snapshot, user).get(item, 0) > 0 for user in users)


def test_a_list_that_is_filled_keeps_the_quota(snapshot: Snapshot) -> None:
    kinds = snapshot.catalogue.kinds
    lowest = snapshot.catalogue.level_names[0]
    entries = make_list(snapshot, COLD_USER, Rules(quota=2), ListRequest(k=200, max_difficulty=lowest))
    found = [int(kinds[snapshot.catalogue.positions([entry["item_id"]])[0]]) for entry in entries]
    assert max(found.count(kind) for kind in set(found) if kind >= 0) <= 2


def test_a_category_that_is_none_is_refused_by_its_name(snapshot: Snapshot) -> None:
    with pytest.raises(ConfigurationError, match="no such category; saw 'Knitting'; use one of "):
        make_list(snapshot, learner(snapshot), Rules(), ListRequest(category="Knitting"))
