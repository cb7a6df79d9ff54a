from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from nightschool.application.bind_home import bind_home
from nightschool.application.evaluate import events_of
from nightschool.application.sources import ingest_sources
from nightschool.contract import Blended, Dataset
from nightschool.data.vectors import VECTOR
from nightschool.item_columns import ItemColumns
from nightschool.night.config import NightConfig
from nightschool.night.release import neighbours as neighbours_module
from nightschool.night.release.neighbours import (
    NEIGHBOURS,
    co_occurrence,
    item_weights,
    similar_items,
    similar_users,
    weights_by_component,
)
from nightschool.ranking.foldin import ItemWeights

NOTHING = csr_array((4, 4), dtype=np.float32)


def matrix(entries: Mapping[tuple[int, int], float], recency: float | None = None) -> ItemWeights:
    dense = np.zeros((4, 4), dtype=np.float32)
    for place, weight in entries.items():
        dense[place] = weight
    return ItemWeights(csr_array(dense), recency)


def neighbours(frame: pl.DataFrame, item: int) -> list[int]:
    return frame.filter(pl.col("item_id") == item)["neighbor_id"].to_list()


class Weighing:
    def __init__(self, weights: csr_array) -> None:
        self.weights = weights

    def item_weights(self) -> csr_array:
        return self.weights


class Fading(Weighing):
    recency = 3.0


def blended(unexplained: frozenset[str] = frozenset(), **parts: object) -> Blended:
    return cast("Blended", SimpleNamespace(parts=parts, unexplained=unexplained))


def test_weights_come_from_those_that_have_them_content_last(dataset: Dataset) -> None:
    recommender = blended(content=Weighing(NOTHING), popularity=object(), ease=Weighing(NOTHING))
    assert list(weights_by_component(recommender, co_occurrence(dataset))) == ["ease", "content"]
    by_order = blended(transitions=Fading(NOTHING), content=Weighing(NOTHING), ease=Weighing(NOTHING))
    found = weights_by_component(by_order, co_occurrence(dataset))
    assert [(name, each.recency) for name, each in found.items()] == [
        ("ease", None),
        ("transitions", 3.0),
        ("content", None),
    ]


def test_co_occurrence_stands_in_where_none_has_them_and_something_is_personal(dataset: Dataset) -> None:
    found = weights_by_component(
        blended(frozenset({"popularity"}), ials=object(), popularity=object()), co_occurrence(dataset)
    )
    assert list(found) == ["co_occurrence"]
    assert (found["co_occurrence"].matrix != co_occurrence(dataset)).nnz == 0
    nothing = frozenset({"popularity", "recent_popularity"})
    assert (
        weights_by_component(blended(nothing, popularity=object(), recent_popularity=object()), co_occurrence(dataset))
        == {}
    )


def test_co_occurrence_is_the_cosine_of_who_likes_two_items(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    likes = np.unique(np.stack([rng.integers(0, 3, 9), rng.integers(0, 4, 9)]), axis=1).astype(np.int32)
    pairs = pl.DataFrame({"user_index": likes[0], "item_index": likes[1]})
    instants = pl.lit(None, pl.Datetime("us", "UTC"))
    met = replace(dataset, interactions=pairs.with_columns(score=pl.lit(1.0, pl.Float32), timestamp=instants))
    dense = met.positives().toarray()
    norms = np.maximum(np.linalg.norm(dense, axis=0), 1)
    expected = dense.T @ dense / np.outer(norms, norms)
    np.fill_diagonal(expected, 0)
    assert expected.any()
    np.testing.assert_allclose(co_occurrence(met).toarray(), expected, rtol=1e-6)
    monkeypatch.setattr("nightschool.night.release.neighbours._WEIGHTS_AN_ITEM", 1)
    cut = co_occurrence(met).toarray()
    assert ((cut > 0).sum(axis=1) <= 1).all()
    np.testing.assert_allclose(cut.max(axis=1), expected.max(axis=1), rtol=1e-6)


def test_item_weights_speak_in_external_ids_in_the_order_of_their_key(dataset: Dataset) -> None:
    weights = {"ease": matrix({(0, 1): 0.5, (1, 0): -0.25}), "content": matrix({(2, 0): 1.0})}
    assert item_weights(weights, dataset).rows() == [
        ("content", 9, 7, 1.0, None),
        ("ease", 5, 7, -0.25, None),
        ("ease", 7, 5, 0.5, None),
    ]


def test_item_weights_say_how_a_history_fades(dataset: Dataset) -> None:
    weights = {"ease": matrix({(0, 1): 0.5}), "next_ridge": matrix({(0, 1): 0.25}, recency=3.0)}
    assert item_weights(weights, dataset)["recency"].to_list() == [None, 3.0]


def test_what_follows_an_item_is_not_similar_to_it(dataset: Dataset) -> None:
    weights = {"next_ridge": matrix({(0, 2): 9.0}, recency=3.0), "ease": matrix({(0, 1): 0.25})}
    assert neighbours(similar_items(weights, co_occurrence(dataset), dataset, megabytes=1), 7) == [5]


def test_item_weights_lead_to_available_items_only(dataset: Dataset) -> None:
    weights = {"ease": matrix({(3, 0): 0.5, (0, 3): 0.25, (0, 1): 0.125})}
    assert item_weights(weights, dataset).rows() == [("ease", 1, 7, 0.5, None), ("ease", 7, 5, 0.125, None)]


def test_no_component_with_weights_makes_an_empty_table(dataset: Dataset) -> None:
    empty, whole = item_weights({}, dataset), item_weights({"ease": matrix({(0, 1): 1.0})}, dataset)
    assert empty.is_empty()
    assert empty.schema == whole.schema


def test_neighbours_are_ranked_by_weight(dataset: Dataset) -> None:
    found = similar_items({"ease": matrix({(0, 1): 0.25, (0, 2): 0.5})}, co_occurrence(dataset), dataset, megabytes=1)
    rows = found.filter(pl.col("item_id") == 7)
    assert rows.select("neighbor_id", "rank", "score").rows() == [(9, 1, 0.5), (5, 2, 0.25)]
    assert found.equals(found.sort("item_id", "rank"))


def test_nothing_is_its_own_neighbour_or_one_that_cannot_be_had(dataset: Dataset) -> None:
    weights = {"ease": matrix({(0, 0): 9.0, (0, 3): 9.0, (0, 2): -1.0, (0, 1): 0.1})}
    assert neighbours(similar_items(weights, co_occurrence(dataset), dataset, megabytes=1), 7) == [5]


def test_item_without_neighbours_asks_the_next_component_then_who_met_both(dataset: Dataset) -> None:
    # Item 3 (id 1) is not available; user 0 likes items 0 and 1 (ids 7 and 5), user 1 item 1.
    ease = matrix({(2, 0): 1.0, (0, 3): 5.0, (0, 0): 5.0, (1, 2): -1.0})
    content = matrix({(0, 2): 0.5, (2, 1): 0.5})
    found = similar_items({"ease": ease, "content": content}, co_occurrence(dataset), dataset, megabytes=1)
    assert neighbours(found, 9) == [7]
    assert neighbours(found, 7) == [9]
    assert neighbours(found, 5) == [7]
    assert found.filter(pl.col("item_id") == 5)["score"].item() == pytest.approx(1 / np.sqrt(2))
    assert neighbours(found, 1) == []


def test_blocks_do_not_show(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    weights: dict[str, Any] = {"ease": matrix({(0, 1): 0.25, (2, 0): 0.5})}
    whole = similar_items(weights, co_occurrence(dataset), dataset, megabytes=1)
    monkeypatch.setattr("nightschool.night.release.neighbours.block_users", lambda *_, **__: 1)
    assert similar_items(weights, co_occurrence(dataset), dataset, megabytes=1).equals(whole)


def test_twenty_neighbours_are_enough(dataset: Dataset) -> None:
    n = NEIGHBOURS + 5
    wide = replace(dataset, item_ids=pl.Series(range(n)), available=np.ones(n, dtype=bool))
    weights = {"ease": ItemWeights(csr_array(np.arange(n * n, dtype=np.float32).reshape(n, n)))}
    found = similar_items(weights, co_occurrence(wide), wide, megabytes=1)
    assert found.group_by("item_id").len()["len"].unique().to_list() == [NEIGHBOURS]
    assert neighbours(found, 0)[:3] == [n - 1, n - 2, n - 3]


def groups(n_groups: int = 3, size: int = 20) -> Dataset:
    """Users who like items of their own group's genre alone; the last of each group has no history."""
    n, rng = n_groups * size, np.random.default_rng(4)
    of_user = np.arange(n) % n_groups
    genre = np.arange(30) % n_groups
    pairs = [
        (user, item)
        for user in range(n - n_groups)
        for item in np.sort(rng.choice(np.flatnonzero(genre == of_user[user]), 6, replace=False))
    ]
    met = pl.DataFrame(pairs, {"user_index": pl.Int32, "item_index": pl.Int32}, orient="row")
    return Dataset(
        user_ids=pl.Series(np.arange(n)),
        item_ids=pl.Series(np.arange(30)),
        interactions=met.with_columns(score=pl.lit(1.0, pl.Float32), timestamp=pl.lit(None, pl.Datetime("us", "UTC"))),
        users=pl.DataFrame({"user_id": np.arange(n), "team": [f"t{group}" for group in of_user], "from": "here"}),
        items=pl.DataFrame(
            {"item_id": np.arange(30), "title": "x", "text": "x", "genre": [f"g{group}" for group in genre]}
        ),
        available=np.ones(30, dtype=bool),
        item_columns=ItemColumns(("genre",)),
    )


def test_alike_users_are_of_ones_own_group_by_every_method() -> None:
    found = similar_users(groups())
    assert set(found["method"]) == {"co_engagement", "interests", "combined"}
    assert (found["user_id"] % 3 == found["neighbor_id"] % 3).all()
    assert (found["user_id"] != found["neighbor_id"]).all()
    assert found["neighbor_id"].max() < 57
    assert found["support"].min() >= 2
    assert found.equals(found.sort("user_id", "method", "rank"))
    assert found.group_by("user_id", "method").len()["len"].max() == 10


def test_who_has_no_history_is_like_those_with_the_same_attributes() -> None:
    cold = similar_users(groups()).filter(pl.col("user_id") >= 57)
    assert set(cold["user_id"]) == {57, 58, 59}
    assert set(cold["method"]) == {"interests", "combined"}


def test_combined_is_the_mean_of_both_cosines() -> None:
    found = similar_users(groups())
    scores = found.pivot("method", index=("user_id", "neighbor_id"), values="score").drop_nulls()
    assert scores.height > 50
    mean = (scores["co_engagement"] + scores["interests"]) / 2
    np.testing.assert_allclose(scores["combined"], mean, atol=1e-5)


def test_without_tags_combined_is_co_engagement() -> None:
    bare = groups()
    bare = replace(bare, item_columns=ItemColumns(), users=bare.users.select("user_id"))
    found = similar_users(bare)
    assert set(found["method"]) == {"co_engagement", "combined"}
    one, other = (found.filter(pl.col("method") == method).drop("method") for method in ("co_engagement", "combined"))
    assert one.equals(other)


def test_many_users_are_compared_with_a_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, number in (("_COMPARISONS", 60), ("_SMALLEST_PANEL", 9)):
        monkeypatch.setattr(neighbours_module, name, number)
    found = similar_users(groups()).filter(pl.col("method") == "interests")
    assert found["neighbor_id"].max() == 8
    assert found["user_id"].n_unique() == 60


@pytest.mark.slow
@pytest.mark.parametrize("name", ["movielens-100k", "mooccubex", "pluralsight"])
def test_real_data_have_users_alike_by_every_method(name: str, data_root: Path) -> None:
    home = bind_home(name, data_root / name)
    ingest_sources(home, None)
    found = similar_users(events_of(home, NightConfig()).dataset())
    assert set(found["method"]) == {"co_engagement", "interests", "combined"}
    assert (found["user_id"] != found["neighbor_id"]).all()
    assert found.group_by("user_id", "method").len()["len"].max() == 10


def test_item_that_nobody_met_has_the_neighbours_of_its_vector(dataset: Dataset) -> None:
    image = pl.Series("image", [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.6, 0.8]], dtype=VECTOR)
    seen = replace(
        dataset,
        items=dataset.items.with_columns(image),
        item_columns=ItemColumns(vectors=("image",)),
        interactions=dataset.interactions.clear(),
    )
    found = similar_items({}, co_occurrence(seen), seen, megabytes=1)
    assert neighbours(found, 9) == [5, 7]
    assert neighbours(found, 7) == [9]
    assert found.filter(pl.col("item_id") == 9)["score"].to_list() == pytest.approx([0.8, 0.6])
