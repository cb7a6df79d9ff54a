"""What every model makes of odd and of malformed data: whole lists, or a reason."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models import catalog
from models.base import Model
from nightschool.contract import Dataset, Recipe
from nightschool.errors import ConfigurationError, DataRefused, NightschoolError
from nightschool.item_columns import ItemColumns
from tests.models.conftest import Pairs, make_dataset
from tests.models.test_catalog import BLEND

RERANKED = {"components": [{"model": "popularity"}, {"model": "ease"}], "reranker": {"trees": 3}}
RECIPES = {"hybrid": BLEND, "reranker": Recipe.model_validate(RERANKED)}
QUICK = {"stack": {"components": [{"model": "svd", "params": {"epochs": 2}}, {"model": "knn_baseline"}]}}
N_USERS, N_ITEMS = 8, 6
SOME: Pairs = [(user, (user + step) % N_ITEMS, 5.0 - 2 * step) for user in range(6) for step in range(3)]
ALL_OF_USER_6: Pairs = [(6, item, 3.0) for item in range(N_ITEMS)]
EVERYTHING: Pairs = [(user, item, 1.0 + (user * item) % 5) for user in range(N_USERS) for item in range(N_ITEMS)]


def new(name: str, **params: object) -> Model:
    return catalog.build(RECIPES[name]) if name in RECIPES else catalog.create(name, QUICK.get(name, {}) | params)


def described(pairs: Pairs, n_users: int = N_USERS, n_items: int = N_ITEMS) -> Dataset:
    """User 7 has seen nothing; all items say the same of themselves."""
    dataset = make_dataset(pairs, n_users, n_items)
    return replace(dataset, items=dataset.items.with_columns(text=pl.lit("oil painting")))


USUAL = described([*SOME, *ALL_OF_USER_6])


def with_pairs(damage: Callable[[pl.DataFrame], pl.DataFrame]) -> Dataset:
    return replace(USUAL, interactions=damage(USUAL.interactions))


def scored(score: float) -> Dataset:
    return with_pairs(lambda pairs: pairs.with_columns(score=pl.lit(score, pl.Float32)))


def with_attributes(odd: float) -> Dataset:
    """Users and items of whom some numbers are odd and others missing."""
    users, items = (pl.Series([odd, None, 1.5, 2.5] * 2, dtype=pl.Float64)[:n] for n in (N_USERS, N_ITEMS))
    lists = pl.Series([[odd, 1.0], [], [1.0]] * 2, dtype=pl.List(pl.Float64))
    return replace(
        USUAL,
        users=USUAL.users.with_columns(height=users),
        items=USUAL.items.with_columns(weight=items, sizes=lists),
        item_columns=ItemColumns(categories=("weight",), lists=("sizes",)),
    )


ODD = {
    "as usual": USUAL,
    "one user": described([(0, item, 1.0 + item) for item in range(4)], n_users=1),
    "one item": described([(user, 0, 1.0 + user % 5) for user in range(6)], n_items=1),
    "one user and one item": described([(0, 0, 4.0)], 1, 1),
    "one pair": described([(3, 2, 5.0)]),
    "everybody has seen everything": described(EVERYTHING),
    "all scores equal": scored(1.0),
    "only dislikes": scored(-10.0),
    "no times": with_pairs(lambda pairs: pairs.with_columns(timestamp=pl.lit(None, pairs["timestamp"].dtype))),
    "nothing available": replace(USUAL, available=np.zeros(N_ITEMS, dtype=bool)),
    "attributes that are no numbers": with_attributes(float("nan")),
    "attributes without end": with_attributes(float("inf")),
}
UNDESCRIBED, DISLIKED, UNTAUGHT = "described", "above zero", "met and others"
REFUSED = {
    "one item": {"content": UNDESCRIBED, "hybrid": UNDESCRIBED, "reranker": UNTAUGHT},
    "one user and one item": {"content": UNDESCRIBED, "hybrid": UNDESCRIBED, "reranker": "nothing to learn"},
    "one pair": {"reranker": "nothing to learn"},
    "everybody has seen everything": {"reranker": UNTAUGHT},
    "only dislikes": {"ease": DISLIKED, "dlae": DISLIKED, "hybrid": DISLIKED, "reranker": DISLIKED},
    "no times": {"recent_popularity": "needs times"},
    "nothing available": {"content": UNDESCRIBED, "hybrid": UNDESCRIBED, "reranker": UNTAUGHT},
}
"""Which models cannot learn from which data, and what they say; words of a single item tie it to nothing."""


@pytest.fixture(params=[*catalog.MODELS, *RECIPES])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def require_whole_lists(model: Model, dataset: Dataset) -> None:
    """Asserts finite scores, and that everybody is listed whatever is available and unseen, and nothing else."""
    scores = model.score(np.arange(dataset.n_users, dtype=np.int32))
    assert scores.shape == (dataset.n_users, dataset.n_items)
    assert not np.isnan(scores).any()
    assert model.name == "hybrid" or np.isfinite(scores).all()
    lists = model.recommend(dataset.user_ids, dataset.n_items + 5)
    assert lists["score"].is_finite().all()
    left = np.repeat(dataset.available[None], dataset.n_users, axis=0)
    left[dataset.interactions["user_index"], dataset.interactions["item_index"]] = False
    expected = {(dataset.user_ids[user], dataset.item_ids[item]) for user, item in np.argwhere(left).tolist()}
    assert lists.height == len(expected)
    assert set(lists.select("user_id", "item_id").iter_rows()) == expected


@pytest.mark.parametrize("case", ODD)
def test_odd_data_give_whole_lists_or_a_reason(name: str, case: str) -> None:
    reason = REFUSED.get(case, {}).get(name)
    if reason is None:
        require_whole_lists(new(name).fit(ODD[case], seed=0), ODD[case])
    else:
        with pytest.raises(NightschoolError, match=reason):
            new(name).fit(ODD[case], seed=0)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (with_pairs(pl.DataFrame.clear), "nothing to learn"),
        (scored(float("nan")), "not a number"),
        (scored(float("inf")), "not a number"),
        (with_pairs(lambda pairs: pairs.with_columns(item_index=pl.col("item_index") + 1)), "outside the dataset"),
        (with_pairs(lambda pairs: pairs.with_columns(user_index=pl.col("user_index") - 1)), "outside the dataset"),
        (with_pairs(pl.DataFrame.reverse), "sorted"),
        (with_pairs(lambda pairs: pl.concat([pairs, pairs.tail(1)])), "sorted"),
        (replace(USUAL, available=USUAL.available[:-1]), "available"),
    ],
)
def test_a_malformed_dataset_is_refused(name: str, dataset: Dataset, message: str) -> None:
    with pytest.raises(DataRefused, match=message):
        new(name).fit(dataset, seed=0)


def test_a_budget_that_holds_no_block_of_users_still_ranks_one_by_one(name: str) -> None:
    model = new(name).fit(USUAL, seed=0)
    one_by_one, together = (model.recommend(USUAL.user_ids, 3, megabytes=megabytes) for megabytes in (0, 64))
    assert one_by_one.drop("score").equals(together.drop("score"))


@pytest.mark.parametrize(
    "frugal", [name for name, model in catalog.MODELS.items() if "max_gigabytes" in model.config_type.model_fields]
)
def test_a_budget_that_the_fit_exceeds_is_told(frugal: str) -> None:
    model = new(frugal, max_gigabytes=1e-9)
    with pytest.raises(ConfigurationError, match="max_gigabytes"):
        model.fit(USUAL, seed=0)
