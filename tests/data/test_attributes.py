"""Attributes as somebody may tell them one by one: which there are, which values they have, and what a change does."""

from typing import Any

import pytest

from nightschool.data.attributes import Declared
from nightschool.data.manifest.manifest import Items, Users
from nightschool.errors import ConfigurationError

ITEMS = Items.model_validate(
    {
        "files": ["items.csv"],
        "id": "item",
        "title": "name",
        "text": ["name"],
        "categories": ["topic"],
        "ordinals": {"level": ["easy", "hard"]},
        "flags": {"genres": ["drama", "comedy"]},
        "lists": {"tags": ";"},
        "numbers": {"price": "number"},
        "skills": {"column": "skills"},
        "vectors": ["image"],
    }
)
USERS = Users.model_validate(
    {
        "files": ["users.csv"],
        "id": "user",
        "attributes": ["team", "age"],
        "labels": {"age": {"1": "young", "2": "old"}},
        "lists": {"likes": ";"},
        "numbers": {"height": "number"},
    }
)


def test_the_attributes_are_the_columns_of_the_tables() -> None:
    kinds = {name: each.kind for name, each in Declared.by(ITEMS).attributes.items()}
    assert kinds == {
        **dict.fromkeys(("title", "text"), "text"),
        "topic": "label",
        "level": "level",
        **dict.fromkeys(("genres", "tags", "skills"), "labels"),
        "price": "number",
        "until": "time",
        "image": "vector",
    }
    assert set(Declared.by(USERS).attributes) == {"team", "age", "likes", "height"}
    assert Declared.by(USERS).attributes["age"].levels == ("young", "old")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"title": " A title "}, {"title": "A title"}),
        ({"title": "", "tags": []}, {"title": None, "tags": None}),
        ({"level": "hard", "genres": ["drama"]}, {"level": "hard", "genres": ["drama"]}),
        ({"tags": [" a ", "", 7]}, {"tags": ["a", "7"]}),
        ({"price": 0}, {"price": 0.0}),
        ({"until": "2026-01-31T18:00:00+02:00"}, {"until": "2026-01-31T16:00:00+00:00"}),
        ({"topic": None}, {"topic": None}),
        ({"image": [1, 0.1, 0]}, {"image": [1.0, 0.1, 0.0]}),
        ({"image": []}, {"image": None}),
    ],
)
def test_values_are_kept_as_the_table_means_them(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert Declared.by(ITEMS).checked(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        {"title": 7},
        {"image": [0, 0]},
        {"image": [1, "2"]},
        {"image": [1, None]},
        {"image": [1e39]},
        {"image": [True]},
        {"image": "[1, 2]"},
        {"image": [1.0] * 10_001},
        {"title": "\ud800"},
        {"topic": True},
        {"level": "steep"},
        {"genres": ["horror"]},
        {"tags": "a;b"},
        {"tags": [None]},
        {"tags": ["a"] * 1_001},
        {"price": "7"},
        {"price": True},
        {"price": float("nan")},
        {"price": 10**400},
        {"until": "tomorrow"},
        {"until": "2026-01-31"},
        {"until": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_other_values_are_refused(given: dict[str, Any]) -> None:
    (name,) = given
    with pytest.raises(ConfigurationError, match=f"^{name} cannot have this value; saw .*; give "):
        Declared.by(ITEMS).checked(given)


def test_what_no_manifest_declares_is_refused_with_what_it_does_declare() -> None:
    with pytest.raises(ConfigurationError, match="items have no such attribute; saw 'topics'; use topic"):
        Declared.by(ITEMS).checked({"topics": "Data"})
    bare = Users.model_validate({"files": ["users.csv"], "id": "user"})
    with pytest.raises(ConfigurationError, match=r"users have no such attribute; .*declares no attribute of users"):
        Declared.by(bare).checked({"team": "red"})


def test_a_put_replaces_all_and_a_patch_a_part() -> None:
    before = Declared.by(ITEMS).changed({}, "put", {"title": "Seven", "topic": "Data", "price": 3.0})
    assert {name: value for name, value in before.items() if value is not None} == {
        "title": "Seven",
        "text": "Seven",
        "topic": "Data",
        "price": 3.0,
    }
    part = Declared.by(ITEMS).changed(before, "patch", {"topic": None, "level": "easy"})
    assert (part["topic"], part["level"], part["price"]) == (None, "easy", 3.0)
    assert Declared.by(ITEMS).changed(before, "put", {"topic": "Data"})["title"] is None


def test_a_text_that_is_the_title_follows_the_title() -> None:
    before = Declared.by(ITEMS).changed({}, "put", {"title": "Seven"})
    assert Declared.by(ITEMS).changed(before, "patch", {"title": "Eight"})["text"] == "Eight"
    own = Declared.by(ITEMS).changed({}, "put", {"title": "Seven", "text": "Words"})
    assert Declared.by(ITEMS).changed(own, "patch", {"title": "Eight"})["text"] == "Words"
    apart = ITEMS.model_copy(update={"text": ("words",)})
    assert Declared.by(apart).changed({}, "put", {"title": "Seven"})["text"] is None


def test_a_vector_is_stored_in_single_precision() -> None:
    said = Declared.by(ITEMS).changed({}, "put", {"image": [0.1]})
    assert said["image"] == [0.10000000149011612]
    assert Declared.by(ITEMS).changed(said, "patch", {})["image"] == said["image"]
