"""Whole lists: the published ones as they are, and those that events, rules or α change."""

import orjson
import polars as pl
import pytest

from nightschool.columns import RECOMMENDATIONS
from nightschool.errors import ConfigurationError
from nightschool.ranking import foldin
from nightschool.vocabulary import EVERYONE
from serving.answers import EncodedList, ListRequest, make_list, warm_up
from serving.listing import Entry
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.schemas.lists import Recommendations
from serving.shown_lists import Origin, list_row
from serving.snapshot import Snapshot
from serving.user_state import UserState
from tests.serving.conftest import Served
from tests.serving.sent import learner, listed, stored

COLD_USER = 999_999
PLAIN = Rules()


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


def ids(entries: list[Entry]) -> list[ExternalId]:
    return [entry["item_id"] for entry in entries]


def test_plain_answers_are_the_table_row_by_row(served: Served) -> None:
    rows = served.home.lake.scan(RECOMMENDATIONS, served.release.release_id).sort("user_id", "rank").collect()
    told = ["item_id", "rank", "score", "source", "reason", "because_item_id"]
    for (user,), theirs in rows.partition_by("user_id", as_dict=True, maintain_order=True).items():
        entries = make_list(served.snapshot, user, PLAIN, ListRequest(k=20))
        found = pl.DataFrame([{name: entry[name] for name in told} for entry in entries], infer_schema_length=None)
        expected = theirs.select(told)
        assert found.drop("score").rows() == expected.drop("score").rows()
        assert found["score"].to_list() == pytest.approx(expected["score"].to_list(), abs=1e-6)


def test_a_shorter_list_is_the_beginning(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    assert ids(make_list(snapshot, user, PLAIN, ListRequest(k=3))) == listed(snapshot, user)[:3]


def test_a_longer_list_than_was_published_goes_on_from_it(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    entries = make_list(snapshot, user, PLAIN, ListRequest(k=60))
    assert ids(entries)[: snapshot.k] == listed(snapshot, user)
    assert len(set(ids(entries))) == 60
    assert [entry["rank"] for entry in entries] == list(range(1, 61))


def test_a_list_ends_where_what_is_unseen_ends(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    met = len(UserState.of(snapshot, user, ()).published)
    assert len(make_list(snapshot, user, PLAIN, ListRequest(k=200))) == len(snapshot.catalogue) - met


def test_events_that_say_nothing_leave_the_list(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    viewed = UserState.of(snapshot, user, stored(snapshot, (listed(snapshot, user)[0], "view"), user=user))
    entries, published = (make_list(snapshot, whose, PLAIN, ListRequest(k=20)) for whose in (viewed, user))
    for name in ("item_id", "source", "reason", "because_item_id", "why"):
        assert [entry[name] for entry in entries] == [entry[name] for entry in published]
    scores = [[entry["score"] for entry in each] for each in (entries, published)]
    assert scores[0] == pytest.approx(scores[1], abs=2e-4)


@pytest.mark.parametrize("event", ["complete", "like", "dislike", "hide"])
def test_what_was_met_leaves_the_list(snapshot: Snapshot, event: str) -> None:
    user = learner(snapshot)
    gone = listed(snapshot, user)[:2]
    state = UserState.of(snapshot, user, stored(snapshot, *((item, event) for item in gone), user=user))
    shown = ids(make_list(snapshot, state, PLAIN, ListRequest(k=200)))
    assert not {*gone} & {*shown}
    assert {*listed(snapshot, user)[2:]} <= {*shown}


def test_a_like_is_the_reason_of_what_it_brings(snapshot: Snapshot) -> None:
    item = snapshot.catalogue.ids[7]
    state = UserState.of(snapshot, COLD_USER, stored(snapshot, (item, "like")))
    first = make_list(snapshot, state, PLAIN, ListRequest(k=3))[0]
    assert first["because_item_id"] == item
    assert snapshot.catalogue.item(snapshot.catalogue.ids[7]).title in first["why"]
    assert first["reason"] == ("similar_content" if first["source"] == "content" else "because_of_item")


def test_somebody_unknown_gets_what_everyone_likes_until_the_first_event(snapshot: Snapshot) -> None:
    entries = make_list(snapshot, COLD_USER, PLAIN, ListRequest(k=5))
    assert ids(entries) == [item for item, _ in snapshot.audiences[EVERYONE][:5]]
    assert {(entry["source"], entry["reason"], entry["why"]) for entry in entries} == {
        ("audience", "popular", "popular with everyone")
    }
    hid = UserState.of(snapshot, COLD_USER, stored(snapshot, (entries[0]["item_id"], "hide")))
    assert ids(make_list(snapshot, hid, PLAIN, ListRequest(k=4))) == ids(entries)[1:]
    liked = UserState.of(snapshot, COLD_USER, stored(snapshot, (entries[0]["item_id"], "like")))
    personal = make_list(snapshot, liked, PLAIN, ListRequest(k=5))
    assert {entry["source"] for entry in personal} <= {"ease", "content"}
    assert entries[0]["item_id"] not in ids(personal)


def test_who_has_met_everything_gets_nothing(snapshot: Snapshot) -> None:
    for user in (learner(snapshot), COLD_USER):
        for event in ("complete", "hide"):
            everything = stored(snapshot, *((item, event) for item in snapshot.catalogue.ids), user=user)
            state = UserState.of(snapshot, user, everything)
            for rules in (PLAIN, Rules(alpha=0.5), Rules(diversity=0.5, quota=1, boost={"python": 1.0})):
                assert make_list(snapshot, state, rules, ListRequest()) == []


def test_what_is_asked_changes_the_rules_in_force() -> None:
    rules = Rules(exclude=(1,), diversity=0.2, quota=3)
    assert ListRequest(k=7).changes(rules) is rules
    changed = ListRequest(exclude=("2",), diversity=0.0, alpha=0.4).changes(rules)
    assert changed == Rules(exclude=(1, "2"), diversity=0.0, quota=3, alpha=0.4)
    with pytest.raises(ConfigurationError):
        ListRequest(alpha=1.5).changes(rules)


@pytest.mark.parametrize(
    ("asked", "plain"),
    [
        (ListRequest(), True),
        (ListRequest(k=50), True),
        (ListRequest(alpha=0.0), False),
        (ListRequest(diversity=0.0), False),
        (ListRequest(exclude=("1",)), False),
        (ListRequest(category="x"), False),
        (ListRequest(max_difficulty="x"), False),
    ],
)
def test_only_a_length_leaves_a_list_as_published(asked: ListRequest, plain: bool) -> None:
    assert asked.as_published == plain


def test_an_answer_is_what_the_schema_says_and_its_tag_tells_it_from_others(snapshot: Snapshot) -> None:
    user = learner(snapshot)
    told = {"user_id": user, "known": True, "overlay": False, "arms": {}, "alpha": None, "release_age_hours": 3}
    lists = [make_list(snapshot, user, PLAIN, ListRequest(k=k)) for k in (4, 5)]
    origin = Origin("learning", snapshot.release.release_id)
    one, two = (EncodedList.of(snapshot, told, made, list_row(origin, user, made)) for made in lists)
    answer = Recommendations.model_validate_json(one.json)
    assert (answer.user_id, answer.release_id, answer.as_of) == (
        user,
        snapshot.release.release_id,
        snapshot.release.as_of,
    )
    assert [item.item_id for item in answer.items] == listed(snapshot, user)[:4]
    assert orjson.loads(one.json)["release_age_hours"] == 3
    assert one.tag != two.tag
    assert (answer.list_id, answer.list_id == two.row.list_id) == (one.row.list_id, False)
    assert one.tag == EncodedList.of(snapshot, told, lists[0], one.row).tag


def test_warming_up_makes_a_users_list_and_a_sessions(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    # What folds a session in is compiled at its first call, which takes seconds.
    folded: list[int] = []
    add = foldin._add_weights
    monkeypatch.setattr(foldin, "_add_weights", lambda *parts: (folded.append(len(parts)), add(*parts)))
    warm_up(snapshot)
    assert folded
