"""Every rule, by cases that can be checked by hand."""

from typing import Any

import numpy as np
import pytest

from nightschool.errors import ConfigurationError
from serving.answers import ListRequest, make_list
from serving.listing import Narrowing, allowed_items, in_words, random_entry
from serving.rules import Rules
from serving.user_state import UserState
from tests.serving.client import Api


def listed(api: Api, user: Any, rules: Rules, **asked: Any) -> list[dict[str, Any]]:
    return make_list(api.snapshot, user, rules, ListRequest(**{"k": 50, **asked}))


def ids(entries: list[dict[str, Any]]) -> list[Any]:
    return [entry["item_id"] for entry in entries]


def user_with_pool(api: Api) -> Any:
    return next(user for user in api.users if api.snapshot.pools.of(user) is not None)


def all_of(api: Api) -> list[dict[str, Any]]:
    return listed(api, user_with_pool(api), Rules(), k=200)


def test_excluded_items_leave_a_gap_that_closes(reading: Api) -> None:
    whole = ids(all_of(reading))
    assert ids(listed(reading, user_with_pool(reading), Rules(exclude=(whole[1], "nothing")), k=10)) == [
        whole[0],
        *whole[2:11],
    ]
    assert reading.items_of(user_with_pool(reading), exclude=[whole[0], whole[2]]) == [whole[1], *whole[3:12]]


def test_excluded_labels_take_all_that_bear_them(reading: Api) -> None:
    whole = all_of(reading)
    label = whole[0]["labels"]["domain"][0]
    expected = [entry["item_id"] for entry in whole if entry["labels"]["domain"] != [label]]
    assert ids(listed(reading, user_with_pool(reading), Rules(exclude_labels=(label,)), k=200)) == expected


def test_a_boost_lifts_by_its_points(reading: Api) -> None:
    whole = all_of(reading)
    label = whole[0]["labels"]["domain"][0]
    boosted = listed(reading, user_with_pool(reading), Rules(boost={label: 0.5}), k=200)
    expected = {entry["item_id"]: entry["score"] + 0.5 * (entry["labels"]["domain"] == [label]) for entry in whole}
    assert [entry["score"] for entry in boosted] == pytest.approx([expected[i] for i in ids(boosted)], abs=1e-4)
    assert [entry["score"] for entry in boosted] == sorted((e["score"] for e in boosted), reverse=True)
    far = listed(reading, user_with_pool(reading), Rules(boost={label: -100.0}), k=200)
    n_others = sum(entry["labels"]["domain"] != [label] for entry in whole)
    assert all(entry["labels"]["domain"] != [label] for entry in far[:n_others])


def test_a_quota_keeps_the_best_of_each_category(reading: Api) -> None:
    expected, taken = [], dict[str, int]()
    for entry in all_of(reading):
        domain = entry["labels"]["domain"][0]
        taken[domain] = taken.get(domain, 0) + 1
        if taken[domain] <= 2:
            expected.append(entry["item_id"])
    assert ids(listed(reading, user_with_pool(reading), Rules(quota=2))) == expected


def test_a_category_is_any_label(reading: Api) -> None:
    whole = all_of(reading)
    for column in ("domain", "type"):
        label = whole[0]["labels"][column][0]
        expected = [entry["item_id"] for entry in whole if label in entry["labels"][column]][:10]
        assert reading.items_of(user_with_pool(reading), category=label) == expected
    refused = reading.get(f"/v1/users/{user_with_pool(reading)}/recommendations", params={"category": "nothing"})
    assert (refused.status_code, "no such category; saw 'nothing'" in refused.json()["detail"]) == (422, True)


def test_difficulty_has_a_highest_level(reading: Api) -> None:
    whole = all_of(reading)
    easy = [entry["item_id"] for entry in whole if entry["difficulty"] == "Beginner"][:10]
    assert reading.items_of(user_with_pool(reading), max_difficulty="Beginner") == easy
    assert reading.items_of(user_with_pool(reading), max_difficulty="Advanced") == ids(whole)[:10]
    answer = reading.get(f"/v1/users/{user_with_pool(reading)}/recommendations?max_difficulty=Expert")
    assert (answer.status_code, "use one of Beginner, Intermediate, Advanced" in answer.json()["detail"]) == (422, True)


def test_diversity_lowers_how_alike_a_list_is(reading: Api) -> None:
    snapshot = reading.snapshot

    def mean_similarity(diversity: float) -> float:
        places = snapshot.catalogue.positions(reading.items_of(user_with_pool(reading), diversity=diversity))
        labels = snapshot.catalogue.similarity_features[places]
        alike = (labels @ labels.T).toarray()
        return float(alike[np.triu_indices(len(places), 1)].mean())

    assert mean_similarity(0) > mean_similarity(0.5) >= mean_similarity(1)


def test_rules_hold_for_the_audiences_list_too(reading: Api) -> None:
    entries = listed(reading, 987_654, Rules(), k=20)
    label = entries[0]["labels"]["domain"][0]
    assert {entry["source"] for entry in entries} == {"audience"}
    without = listed(reading, 987_654, Rules(exclude_labels=(label,)), k=20)
    assert ids(without)[:3] == [entry["item_id"] for entry in entries if entry["labels"]["domain"] != [label]][:3]


def test_alpha_needs_content(reading: Api) -> None:
    snapshot = reading.snapshot
    assert snapshot.has_content
    with pytest.raises(ConfigurationError, match="no such difficulty"):
        allowed_items(snapshot, UserState.of(snapshot, 1, ()), Rules(), Narrowing(max_difficulty="x"))


def test_reasons_are_told_in_words(reading: Api) -> None:
    snapshot, item = reading.snapshot, reading.snapshot.catalogue.ids[0]
    title = snapshot.catalogue.item(snapshot.catalogue.ids[0]).title
    assert in_words(snapshot, "because_of_item", item) == f"because of {title}"
    assert in_words(snapshot, "similar_content", item) == f"similar to {title}"
    assert in_words(snapshot, "popular", None) == "popular with everyone"
    assert in_words(snapshot, "audience", None) == "popular with people like you"
    assert random_entry(snapshot, 3, item)["why"] == "something different"
