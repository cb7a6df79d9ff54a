from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from models.catalog import build
from nightschool.columns import (
    AUDIENCE_RECOMMENDATIONS,
    CANDIDATE_SCORES,
    INSTANT,
    ITEM_WEIGHTS,
    RECOMMENDATIONS,
    SIMILAR_ITEMS,
    SIMILAR_USERS,
)
from nightschool.contract import Dataset
from nightschool.item_columns import ItemColumns
from nightschool.night.gates import ProposedLists, ask_table_gates
from nightschool.night.release.lists import read_table, write_tables, write_weights
from nightschool.ranking.foldin import ItemWeights
from nightschool.recipe import Component, Recipe
from nightschool.testing.recommender import without

TOPICS = ("red", "blue")
PER_TOPIC = 10
LEARNERS = 60
HYBRID = Recipe(components=(Component(model="ease", weight=0.7), Component(model="content", weight=0.3)), alpha=0.7)
NO_GRADES = {"svd": {"negatives": 3}}
RERANKER = {"trees": 5, "min_leaf": 5}


@pytest.fixture(scope="module")
def planted() -> Dataset:
    """Sixty users who like red items, sixty who like blue ones, and one of each who has no history."""
    rng = np.random.default_rng(0)
    liked = [
        (topic * LEARNERS + user, topic * PER_TOPIC + item)
        for topic in range(2)
        for user in range(LEARNERS)
        for item in sorted(rng.choice(PER_TOPIC, 5, replace=False))
    ]
    pairs = pl.DataFrame(liked, schema={"user_index": pl.Int32, "item_index": pl.Int32}, orient="row")
    colours = np.repeat(TOPICS, PER_TOPIC)
    fans = [*np.repeat(TOPICS, LEARNERS), *TOPICS]
    n_users = len(fans)
    ids, lessons = np.arange(2 * PER_TOPIC)[::-1] + 100, [f"{colour} lesson" for colour in colours]
    return Dataset(
        user_ids=pl.Series([f"u{index:03}" for index in range(n_users)]),
        item_ids=pl.Series(ids),
        interactions=pairs.with_columns(
            score=pl.lit(1.0, pl.Float32), timestamp=pl.lit(None, pl.Datetime("us", "UTC"))
        ),
        users=pl.DataFrame({"user_id": [f"u{index:03}" for index in range(n_users)], "fan_of": fans}),
        items=pl.DataFrame({"item_id": ids, "title": lessons, "text": lessons, "colour": colours}),
        item_columns=ItemColumns(categories=("colour",)),
        available=np.ones(2 * PER_TOPIC, dtype=bool),
        audience="fan_of",
    )


@pytest.fixture(scope="module")
def folder(planted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    write_tables(build(HYBRID).fit(planted, seed=0), planted, folder, k=6, megabytes=1)
    return folder


def at_one_instant(dataset: Dataset) -> Dataset:
    instant = pl.lit(datetime(2026, 1, 1, tzinfo=UTC)).cast(INSTANT)
    return replace(dataset, interactions=dataset.interactions.with_columns(timestamp=instant))


def red(item_ids: pl.Series) -> pl.Series:
    return item_ids >= 100 + PER_TOPIC


def test_lists_pass_the_gates_and_come_in_the_order_of_their_key(planted, folder):
    lists = read_table(folder, RECOMMENDATIONS).collect()
    asked = lists.select("user_id", "item_id", "rank", "score")
    assert all(gate.passed for gate in ask_table_gates(ProposedLists(asked, planted, 6, 0.5)))
    assert lists.equals(lists.sort("user_id", "rank"))


def test_everyone_gets_their_own_colour_first_with_a_reason(planted, folder):
    lists = read_table(folder, RECOMMENDATIONS).collect().filter(pl.col("rank") <= 5)
    fans = lists.join(planted.users, on="user_id")
    assert (red(fans["item_id"]) == (fans["fan_of"] == "red")).all()
    personal = lists.filter(pl.col("reason") != "audience")
    assert set(personal["reason"]) <= {"because_of_item", "similar_content"}
    assert (red(personal["item_id"]) == red(personal["because_item_id"])).all()


def test_the_reason_is_an_item_of_the_users_own_history(planted, folder):
    lists = read_table(folder, RECOMMENDATIONS).collect().drop_nulls("because_item_id")
    users = planted.user_ids[planted.interactions["user_index"]]
    items = planted.item_ids[planted.interactions["item_index"]]
    history = pl.DataFrame({"user_id": users, "because_item_id": items})
    assert lists.join(history, on=["user_id", "because_item_id"], how="anti").is_empty()


def test_reasons_do_not_depend_on_how_many_users_are_explained_at_a_time(planted, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(f"{write_tables.__module__}._EXPLAINING_BYTES", 10_000)  # some eighteen users of five likes
    write_tables(build(HYBRID).fit(planted, seed=0), planted, tmp_path, k=6, megabytes=1)
    assert read_table(tmp_path, RECOMMENDATIONS).collect().equals(read_table(folder, RECOMMENDATIONS).collect())


def test_users_without_a_history_get_their_audiences_list(folder):
    lists = read_table(folder, RECOMMENDATIONS).collect()
    audiences = read_table(folder, AUDIENCE_RECOMMENDATIONS).collect()
    assert set(audiences["audience"]) == {"everyone", "red", "blue"}
    for user, audience in (("u120", "red"), ("u121", "blue")):
        own = lists.filter(pl.col("user_id") == user)
        assert own["item_id"].to_list() == audiences.filter(pl.col("audience") == audience)["item_id"].to_list()
        assert set(own["reason"]) == set(own["source"]) == {"audience"}
        assert own["because_item_id"].is_null().all()


def test_reranked_lists_keep_their_reasons_and_the_components_scores(planted, folder, tmp_path):
    reranked = HYBRID.model_copy(update={"reranker": RERANKER})
    write_tables(build(reranked).fit(planted, seed=0), planted, tmp_path, k=6, megabytes=1)
    lists = read_table(tmp_path, RECOMMENDATIONS).collect()
    assert all(
        gate.passed
        for gate in ask_table_gates(ProposedLists(lists.select("user_id", "item_id", "rank", "score"), planted, 6, 0.5))
    )
    personal = lists.filter(pl.col("reason") != "audience", pl.col("rank") <= 5)
    assert personal["because_item_id"].null_count() == 0
    assert (red(personal["item_id"]) == red(personal["because_item_id"])).all()
    pools = [read_table(place, CANDIDATE_SCORES).collect() for place in (folder, tmp_path)]
    assert pools[0].equals(pools[1])


@pytest.mark.parametrize("reranker", [None, RERANKER], ids=["", "reranked"])
@pytest.mark.parametrize("models", [("ials",), ("userknn",), ("svd",), ("ials", "popularity")], ids="+".join)
def test_models_without_item_weights_publish_co_occurrence_and_explain_themselves(models, reranker, planted, tmp_path):
    components = tuple(Component(model=model, params=NO_GRADES.get(model, {})) for model in models)
    recipe = Recipe(components=components, reranker=reranker)
    write_tables(build(recipe).fit(planted, seed=0), planted, tmp_path, k=6, megabytes=1)
    lists = read_table(tmp_path, RECOMMENDATIONS).collect().join(planted.users, on="user_id")
    personal = lists.filter(~pl.col("source").is_in(["audience", "popularity"]))
    # Nobody likes items of both colours, so that nothing speaks for one of the other.
    own = personal.filter(red(personal["item_id"]) == (personal["fan_of"] == "red"))
    assert own.height > LEARNERS
    if models == ("svd",):  # which cannot score a history without one of its items
        assert set(own["reason"]) == {"whole_history"}
    else:
        assert set(own["reason"]) == {"because_of_item"}
        assert (red(own["because_item_id"]) == red(own["item_id"])).all()
    assert set(lists.filter(pl.col("source") == "popularity")["reason"]) <= {"popular"}
    weights = read_table(tmp_path, ITEM_WEIGHTS).collect()
    assert set(weights["component"]) == {"co_occurrence"}
    assert (red(weights["item_id"]) == red(weights["neighbor_id"])).all()
    similar = read_table(tmp_path, SIMILAR_ITEMS).collect()
    both = similar.join(weights, on=["item_id", "neighbor_id"], how="left")
    assert (both["score"] == both["weight"]).all()


def test_without_the_item_that_is_named_the_blended_score_falls_and_without_no_other_further(planted, tmp_path):
    components = [
        Component(model="ials", params={"factors": 4}, weight=0.5),
        Component(model="ease", weight=0.3),
        Component(model="content", weight=0.2),
    ]
    fitted = build(Recipe(components=tuple(components))).fit(planted, seed=0)
    write_tables(fitted, planted, tmp_path, k=6, megabytes=1)
    lists = read_table(tmp_path, RECOMMENDATIONS).collect().drop_nulls("because_item_id")
    assert lists.height > LEARNERS
    user = planted.user_ids.index_of(lists["user_id"][0])
    own = lists.filter(pl.col("user_id") == planted.user_ids[user])
    index_of = {item_id: index for index, item_id in enumerate(planted.item_ids)}
    histories, scales = planted.histories()[[user]], fitted.pool(np.array([user], dtype=np.int32)).scales

    def score_of(histories, item):
        parts = zip(components, fitted.parts.values(), scales[:, 0], strict=True)
        return sum(component.weight * scale * part.fold_in(histories)[0, item] for component, part, scale in parts)

    for item, because in own.select("item_id", "because_item_id").iter_rows():
        falls = {
            liked: score_of(histories, index_of[item])
            - score_of(without(histories, np.array([liked], dtype=np.int32)), index_of[item])
            for liked in histories.scores.indices[histories.scores.data > 0].tolist()
        }
        assert falls[index_of[because]] > 0
        assert falls[index_of[because]] == pytest.approx(max(falls.values()), rel=0.02)


@pytest.mark.parametrize("weight", [0.0, -2.0])
def test_a_component_that_speaks_for_nothing_is_the_source_of_nothing(weight, planted, tmp_path):
    components = (Component(model="ease"), Component(model="recent_popularity", weight=weight))
    timed = at_one_instant(planted)
    write_tables(build(Recipe(components=components)).fit(timed, seed=0), timed, tmp_path, k=6, megabytes=1)
    assert set(read_table(tmp_path, RECOMMENDATIONS).collect()["source"]) == {"ease", "audience"}


@pytest.mark.parametrize("recipe", [HYBRID, Recipe(components=(Component(model="popularity"),))], ids=["hybrid", "one"])
def test_users_set_aside_get_their_audiences_list_without_what_they_saw(recipe, planted, tmp_path):
    set_aside = np.arange(planted.n_users) == 0
    learned = ~set_aside[planted.interactions["user_index"].to_numpy()]
    apart = replace(planted, set_aside=set_aside, learned=learned)
    write_tables(build(recipe).fit(apart, seed=0), apart, tmp_path, k=6, megabytes=1)
    lists = read_table(tmp_path, RECOMMENDATIONS).collect()
    own = lists.filter(pl.col("user_id") == "u000")
    seen = planted.item_ids[planted.interactions.filter(pl.col("user_index") == 0)["item_index"]].to_list()
    reds = read_table(tmp_path, AUDIENCE_RECOMMENDATIONS).collect().filter(pl.col("audience") == "red")
    left = [item for item in reds["item_id"] if item not in seen]
    assert own["item_id"].to_list()[: len(left)] == left
    assert own.height == 6
    assert set(own["reason"]) == {"audience"}
    assert "u000" not in read_table(tmp_path, SIMILAR_USERS).collect()["neighbor_id"]
    asked = lists.select("user_id", "item_id", "rank", "score")
    assert all(gate.passed for gate in ask_table_gates(ProposedLists(asked, apart, 6, 0.3)))


def test_who_is_not_learned_from_still_gets_lists_from_their_own_history(planted, tmp_path):
    seldom = replace(planted, learned=(planted.interactions["user_index"] != 0).to_numpy())
    write_tables(build(HYBRID).fit(seldom, seed=0), seldom, tmp_path, k=6, megabytes=1)
    own = read_table(tmp_path, RECOMMENDATIONS).collect().filter(pl.col("user_id") == "u000")
    seen = planted.item_ids[planted.interactions.filter(pl.col("user_index") == 0)["item_index"]]
    assert red(own["item_id"].head(5)).all()
    assert own["item_id"].is_in(seen.implode()).sum() == 0
    assert own["because_item_id"].head(5).is_in(seen.implode()).all()


def test_where_nothing_is_left_to_recommend_there_are_no_lists_and_nothing_fails(planted, tmp_path):
    sold_out = replace(planted, available=np.zeros(2 * PER_TOPIC, dtype=bool))
    recipe = Recipe(components=(Component(model="ease"), Component(model="itemknn", weight=0.3)))
    counts = write_tables(build(recipe).fit(sold_out, seed=1), sold_out, tmp_path, k=5, megabytes=1)
    assert counts[RECOMMENDATIONS.name] == counts[CANDIDATE_SCORES.name] == 0


def test_the_pool_reranks_to_the_published_lists(folder):
    pool = read_table(folder, CANDIDATE_SCORES).collect()
    assert pool.columns == ["user_id", "item_id", "ease", "content"]
    assert pool.equals(pool.sort("user_id", "item_id"))
    best = (
        pool.with_columns(score=0.7 * pl.col("ease") + 0.3 * pl.col("content"))
        .sort("user_id", "score", descending=[False, True])
        .group_by("user_id", maintain_order=True)
        .first()
    )
    top = read_table(folder, RECOMMENDATIONS).collect().filter(pl.col("rank") == 1)
    both = best.join(top, on="user_id", suffix="_listed")
    assert both.height == 2 * LEARNERS
    np.testing.assert_allclose(both["score"], both["score_listed"], rtol=1e-5)


def test_neighbours_share_their_colour_and_weights_name_their_component(folder):
    similar = read_table(folder, SIMILAR_ITEMS).collect()
    first = similar.filter(pl.col("rank") == 1)
    assert (red(first["item_id"]) == red(first["neighbor_id"])).all()
    assert (similar["item_id"] != similar["neighbor_id"]).all()
    weights = read_table(folder, ITEM_WEIGHTS).collect()
    assert set(weights["component"]) == {"ease", "content"}
    assert weights.equals(weights.sort("component", "item_id", "neighbor_id"))


def test_weights_of_another_component_stand_beside_those_of_the_recipe(planted, tmp_path):
    recipe = Recipe(components=(Component(model="ease"),))
    fitted = build(recipe).fit(planted, seed=0)
    counts = write_tables(fitted, planted, tmp_path, k=6, megabytes=1)
    content = build(HYBRID).fit(planted, seed=0).parts["content"].item_weights()
    assert write_weights({"content": ItemWeights(content)}, planted, tmp_path) == content.nnz
    weights = read_table(tmp_path, ITEM_WEIGHTS).collect()
    assert weights.height == counts["item_weights"] + content.nnz
    assert set(weights["component"]) == {"ease", "content"}
    assert weights.equals(weights.sort("component", "item_id", "neighbor_id"))
    assert set(read_table(tmp_path, RECOMMENDATIONS).collect()["source"]) == {"ease", "audience"}


def test_similar_users_are_fans_of_the_same_colour_and_never_oneself(planted, folder):
    similar = read_table(folder, SIMILAR_USERS).collect()
    fans = dict(planted.users.select("user_id", "fan_of").iter_rows())
    known = similar.filter(pl.col("method") == "co_engagement")
    assert known.height == 2 * LEARNERS * 10
    assert set(similar["method"]) == {"co_engagement", "interests", "combined"}
    assert (similar["user_id"] != similar["neighbor_id"]).all()
    assert similar.filter(pl.col("method") != "interests")["support"].min() >= 2
    assert all(
        fans[user] == fans[neighbour] for user, neighbour in similar.select("user_id", "neighbor_id").iter_rows()
    )
    assert similar.equals(similar.sort("user_id", "method", "rank"))


@pytest.mark.parametrize("model", ["popularity", "recent_popularity"])
def test_a_popularity_release_has_lists_and_neighbours_too(model, planted, tmp_path):
    timed = at_one_instant(planted)
    recipe = Recipe(components=(Component(model=model),))
    counts = write_tables(build(recipe).fit(timed, seed=0), timed, tmp_path, k=6, megabytes=1)
    lists = read_table(tmp_path, RECOMMENDATIONS).collect()
    asked = lists.select("user_id", "item_id", "rank", "score")
    assert all(gate.passed for gate in ask_table_gates(ProposedLists(asked, planted, 6, 0.3)))
    personal = lists.filter(~pl.col("user_id").is_in(["u120", "u121"]))
    assert set(personal["reason"]) == {"popular"}
    assert counts["item_weights"] == 0
    assert read_table(tmp_path, ITEM_WEIGHTS).collect().is_empty()
    neighbours = read_table(tmp_path, SIMILAR_ITEMS).collect()
    assert (red(neighbours["item_id"]) == red(neighbours["neighbor_id"])).all()
