import json

import pytest

from nightschool.errors import ConfigurationError
from serving.answers import Asked, Body, make_list, warm_up
from serving.rules import Rules
from tests.serving.client import Api


def test_only_a_length_asks_for_the_list_as_it_was_published() -> None:
    assert Asked(k=3).as_published
    for asked in (Asked(alpha=0.0), Asked(diversity=0.0), Asked(category="x"), Asked(exclude=("1",))):
        assert not asked.as_published


def test_what_is_asked_adds_to_the_rules_in_force() -> None:
    rules = Rules(exclude=(1,), quota=2, alpha=0.2)
    assert Asked(category="x").changes(rules) is rules
    assert Asked(exclude=("2",), alpha=0.0).changes(rules) == Rules(exclude=(1, "2"), quota=2, alpha=0.0)
    with pytest.raises(ConfigurationError, match="rule alpha"):
        Asked(alpha=2.0).changes(rules)


def test_a_body_has_a_tag_of_all_that_it_says(reading: Api) -> None:
    snapshot = reading.snapshot
    entries = make_list(snapshot, reading.users[0], Rules(), Asked(k=2))
    body = Body.of(snapshot, reading.users[0], {"known": True}, entries, None)
    told = json.loads(body.json)
    assert (told["release_id"], told["known"], len(told["items"])) == (snapshot.release.release_id, True, 2)
    assert body.tag == Body.of(snapshot, reading.users[0], {"known": True}, entries, None).tag
    assert body.tag != Body.of(snapshot, reading.users[0], {"known": False}, entries, None).tag


def test_warming_up_changes_nothing(reading: Api) -> None:
    before = reading.list_of(reading.users[0])
    warm_up(reading.snapshot)
    assert reading.list_of(reading.users[0]) == before
