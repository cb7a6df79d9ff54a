"""Lists over other recipes and odd people, and what a running service picks up."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.columns import AUDIENCE, AUDIENCE_RECOMMENDATIONS, ITEM_ID, RANK, RECOMMENDATIONS, USER_ID, USERS
from nightschool.errors import ManifestError, NightschoolError
from serving.candidates import Scorer
from serving.person import Person
from tests.serving.client import Api
from tests.serving.conftest import Served, copied
from tests.serving.homes import make_home, publish

STRANGER = 987_654
TOLD = ("item_id", "rank", "source", "reason", "because_item_id")
RERANKED = {
    "components": [{"model": "ease", "weight": 0.7}, {"model": "popularity", "weight": 0.3}],
    "reranker": {"trees": 20, "min_leaf": 20},
}


def without_weights() -> dict[str, Any]:
    return {"components": [{"model": "ials", "weight": 0.5}, {"model": "ease", "weight": 0.5}]}


def test_the_plain_answer_is_the_table(reading: Api) -> None:
    table = reading.home.lake.scan(RECOMMENDATIONS, reading.snapshot.release.release_id).sort(USER_ID, RANK).collect()
    for (user,), rows in table.partition_by(USER_ID, as_dict=True).items():
        answer = reading.list_of(user, k=20)
        got = pl.DataFrame(
            [{name: item[name] for name in TOLD} for item in answer["items"]],
            schema={name: rows.schema[name] for name in TOLD},
        )
        assert got.equals(rows.select(got.columns)), user
        assert (answer["known"], answer["overlay"]) == (True, False)


def test_consumed_and_hidden_items_leave(writing: Api) -> None:
    for user, event in zip(writing.users, ("like", "complete", "dislike", "hide"), strict=False):
        gone = writing.items_of(user)[:3]
        writing.send(user, event, *gone)
        after = writing.list_of(user, k=50)
        assert not {item["item_id"] for item in after["items"]} & set(gone)
        assert after["overlay"]


def test_a_view_changes_nothing(writing: Api) -> None:
    user = writing.users[0]
    before = writing.list_of(user)
    writing.send(user, "view", *writing.items_of(user)[:3])
    assert writing.list_of(user) == before


def test_a_stranger_gets_a_personal_list_from_the_first_event(writing: Api) -> None:
    before = writing.list_of(STRANGER)
    assert {item["source"] for item in before["items"]} == {"audience"}
    liked = writing.items_of(writing.users[0])[0]
    writing.send(STRANGER, "like", liked)
    after = writing.list_of(STRANGER)
    assert (after["known"], after["overlay"]) == (False, True)
    assert {item["because_item_id"] for item in after["items"]} == {liked}
    assert [item["item_id"] for item in after["items"]] != [item["item_id"] for item in before["items"]]


def test_a_strangers_dislike_leaves_the_audiences_list_without_it(writing: Api) -> None:
    before = writing.items_of(STRANGER)
    writing.send(STRANGER, "dislike", before[0])
    assert writing.items_of(STRANGER, k=9) == before[1:10]


def test_people_with_attributes_get_their_audiences_list(served: Served, tmp_path: Path) -> None:
    home = copied(served.home, tmp_path / "copy")
    users = home.lake.scan(USERS).collect()
    newcomer = users.head(1).with_columns(
        pl.lit(STRANGER, pl.Int64).alias(USER_ID), pl.lit("Student").alias("seniority")
    )
    home.lake.append(USERS, newcomer)
    with Api.over(home) as api:
        rows = api.home.lake.scan(AUDIENCE_RECOMMENDATIONS, api.snapshot.release.release_id).sort(RANK).collect()
        student = rows.filter(pl.col(AUDIENCE) == "Student")[ITEM_ID].to_list()
        answer = api.list_of(STRANGER)
        assert [item["item_id"] for item in answer["items"]] == student[:10]
        assert {item["reason"] for item in answer["items"]} == {"audience"}
        assert api.items_of(STRANGER + 1) != student[:10]


@pytest.fixture(scope="module", params=["without weights", "reranked"])
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A service over a release of another kind of recipe."""
    recipes: Mapping[str, Mapping[str, Any]] = {"without weights": without_weights(), "reranked": RERANKED}
    home = make_home(tmp_path_factory.mktemp("other") / "home")
    publish(home, recipes[request.param])
    with Api.over(home) as api:
        yield api


def test_any_recipes_order_is_kept_and_then_moved(other: Api) -> None:
    moved = 0
    own = [user for user in other.users if other.snapshot.pools.of(user) is not None]
    for user in own[:15]:
        before = other.items_of(user, k=20)
        candidates = Scorer(other.snapshot, Person.of(other.snapshot, user, ())).by_recipe()
        assert candidates is not None
        assert [other.snapshot.catalogue.ids[place] for place in candidates.items[:20]] == before
        other.send(user, "like", before[1])
        after = other.items_of(user, k=19)
        assert before[1] not in after
        assert len(set(after)) == 19
        assert len(set(after) & set(before)) > 5
        moved += after != [item for item in before if item != before[1]]
    assert moved


def test_who_has_seen_everything_gets_an_empty_list(writing: Api) -> None:
    for user in (writing.users[0], STRANGER):
        everything = writing.snapshot.catalogue.ids
        writing.send(user, "complete", *everything)
        assert writing.items_of(user, k=200) == []
        assert writing.items_of(user, k=200, alpha=0.5) == []
        assert writing.items_of(user, k=200, diversity=0.5) == []


def test_k_beyond_the_pool_gives_what_there_is(reading: Api) -> None:
    user = reading.users[0]
    items = reading.items_of(user, k=200)
    unseen = len(reading.snapshot.catalogue) - len(reading.service.history(user, 1000))
    assert 20 < len(items) <= unseen
    assert items[:20] == reading.items_of(user, k=20)


def test_rules_are_picked_up_while_running(writing: Api) -> None:
    user = writing.users[0]
    before = writing.list_of(user, k=5)
    gone = before["items"][0]["item_id"]
    file = writing.service.settings.paths.rules
    file.write_text(f"exclude = [{gone}]\n")
    assert writing.list_of(user, k=5) == before
    writing.service.refresh()
    assert gone not in writing.items_of(user, k=50)
    file.write_text("quota = nonsense\n")
    with pytest.raises(ManifestError, match=r"rules\.toml"):
        writing.service.refresh()
    assert gone not in writing.items_of(user, k=50)
    file.unlink()
    writing.service.refresh()
    assert writing.list_of(user, k=5) == before


def test_faulty_rules_keep_nothing_else_from_being_picked_up(writing: Api) -> None:
    """A slip in the file must not hold back the next release."""
    writing.service.settings.paths.rules.write_text("quota = nonsense\n")
    release = publish(writing.home)
    with pytest.raises(NightschoolError):
        writing.service.refresh()
    assert writing.list_of(writing.users[0])["release_id"] == release.release_id


def test_a_release_and_a_rollback_are_picked_up(writing: Api) -> None:
    first = writing.snapshot.release.release_id
    second = publish(writing.home, {"components": [{"model": "popularity", "weight": 1}]}).release_id
    user = writing.users[0]
    assert writing.list_of(user)["release_id"] == first
    writing.service.refresh()
    assert writing.list_of(user)["release_id"] == second
    writing.home.releases.rollback(first, "a test")
    writing.service.refresh()
    assert writing.list_of(user)["release_id"] == first


def test_history_tells_what_was_sent_first(writing: Api) -> None:
    user = writing.users[0]
    known = writing.service.history(user, 1000)
    new = writing.items_of(user)[0]
    writing.send(user, "like", new)
    newest, *rest = writing.service.history(user, 1000)
    assert (newest.item_id, newest.event) == (new, "like")
    assert rest == known
    assert [entry.at for entry in known if entry.at] == sorted((e.at for e in known if e.at), reverse=True)
