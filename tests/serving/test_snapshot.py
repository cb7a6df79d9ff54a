from dataclasses import replace

import polars as pl
import pytest

from nightschool.columns import AUDIENCE_RECOMMENDATIONS, INTERACTIONS, ITEMS, USERS
from nightschool.errors import Unreachable
from nightschool.storage.home import Home
from nightschool.storage.serving_files import lists_path
from nightschool.vocabulary import EVERYONE
from serving.answers import ListRequest, make_list
from serving.rules import Rules
from serving.user_state import UserState
from tests.serving.conftest import Served, opened
from tests.serving.homes import publish
from tests.serving.sent import listed, stored


def test_a_release_is_opened_whole(served: Served) -> None:
    snapshot, release_id = served.snapshot, served.release.release_id
    assert (snapshot.k, snapshot.release, snapshot.has_content) == (20, served.release, True)
    assert list(snapshot.components) == ["ease", "content"]
    assert [component.weight for component in snapshot.components.values()] == [0.7, 0.3]
    assert snapshot.knows(1)
    assert not snapshot.knows(999_999)
    assert (snapshot.user_id("7"), snapshot.item_id("x")) == (7, None)
    assert len(snapshot.catalogue) == served.home.lake.scan(ITEMS).select(pl.len()).collect().item()
    rows = served.home.lake.scan(AUDIENCE_RECOMMENDATIONS, release_id).sort("rank").collect()
    told = rows.filter(pl.col("audience") == EVERYONE).select("item_id", "score").rows()
    assert snapshot.audiences[EVERYONE] == told


def test_what_the_users_table_says(served: Served) -> None:
    snapshot = served.snapshot
    user = snapshot.users["user_id"][3]
    row = served.home.lake.scan(USERS).filter(pl.col("user_id") == user).collect()
    told = snapshot.attributes(user)
    assert told is not None
    assert set(told) <= {"seniority", "department", "title", "learning_style"}
    assert dict(told) == {name: row[name].item() for name in told}
    assert snapshot.attributes(999_999) is None
    assert snapshot.attributes(-1) is None


def test_a_user_s_audience_is_the_one_that_has_a_list(served: Served) -> None:
    snapshot = served.snapshot
    attribute = snapshot.manifest.audience
    assert snapshot.audience(999_999) == EVERYONE
    if attribute is not None:
        for user, told in snapshot.users.select("user_id", attribute).head(30).iter_rows():
            assert snapshot.audience(user) == (told if told in snapshot.audiences else EVERYONE)


@pytest.mark.parametrize("table", ["recommendations", "histories", "similar_users", "similar_items", "next_items"])
def test_a_release_that_lacks_a_file_is_not_opened(own_home: Home, table: str) -> None:
    release = own_home.releases.current()
    assert release is not None
    path = lists_path(own_home.paths.serving, release.release_id).with_name(f"{table}.arrow")
    path.unlink()
    with pytest.raises(Unreachable, match=f"{table}.arrow is missing or damaged"):
        opened(own_home, release)


def test_an_item_that_only_histories_name_is_known_by_its_id_and_never_recommended(own_home: Home) -> None:
    known = own_home.lake.scan(INTERACTIONS).head(300).collect()
    foreign = known.with_columns(
        pl.lit(777_777, known.schema["item_id"]).alias("item_id"),
        (pl.col("source_row") + 1_000_000).alias("source_row"),
    )
    own_home.lake.append(INTERACTIONS, foreign)
    snapshot = opened(own_home, publish(own_home, {"components": [{"model": "ease"}]})).snapshot
    place = snapshot.catalogue.position(777_777)
    assert place is not None
    assert snapshot.catalogue.describe(777_777)["title"] == ""
    assert (~snapshot.available).nonzero()[0].tolist() == [place]
    assert all(777_777 not in listed(snapshot, user) for user in snapshot.lists.keys)
    cold_user = UserState.of(snapshot, 999_999, stored(snapshot, (3, "like")))
    shown = make_list(snapshot, cold_user, Rules(), ListRequest(k=200))
    assert len(shown) == len(snapshot.catalogue) - 2
    assert 777_777 not in [entry["item_id"] for entry in shown]


def test_a_release_stores_its_unexplained_sources_and_older_ones_have_them_by_name(served: Served) -> None:
    snapshot = served.snapshot
    assert snapshot.unexplained == {"popularity", "recent_popularity"}
    gates = {**snapshot.release.gates, "unexplained": ["trending"]}
    newer = replace(snapshot, release=snapshot.release.model_copy(update={"gates": gates}))
    assert newer.unexplained == {"popularity", "trending"}
