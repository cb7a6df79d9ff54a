from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from models import catalog
from nightschool.contract import Split
from nightschool.data.splits import splitting
from nightschool.data.splits.splitting import named_cut
from nightschool.evaluation.evaluate import evaluate
from nightschool.night.selection.evaluators import Create
from nightschool.night.selection.reranking import Build
from nightschool.night.selection.search import Search, Tunable
from nightschool.offline.compare import compare_models, describe_measured, measure_lists
from tests.data.logs import log_of

CUTOFFS = (1, 10)
# Nine users in ten will meet item 1, the others item 2; item 0 is seen by all.
SCORES = {"popularity": [9, 1, 2, 3], "ease": [0, 9, 1, 1], "content": [0, 1, 9, 2]}


def search(*models: str, alphas=(0.0, 0.5, 1.0), **settings) -> Search:
    tunables = tuple(Tunable(model, **settings.get(model, {})) for model in models)
    return Search(tunables, 60.0, alphas, CUTOFFS, seed=7, megabytes=1, max_users=1000)


@pytest.fixture
def create(fixed):
    def make(model, params):
        if model == "broken":
            raise ZeroDivisionError("of its own")
        return fixed(params.get("scores", SCORES[model]))

    return make


@pytest.fixture
def build(create, fixed):
    """Popularity and blends; the blend here puts item 1 before item 2."""
    return lambda recipe: fixed([0, 9, 8, 1]) if recipe.alpha else create(recipe.components[0].model, {})


@pytest.fixture(name="test")
def _test(split: Split) -> Split:
    return replace(split, name="test")


def test_each_model_is_measured_on_the_test_against_popularity(
    split: Split, test: Split, create: Create, build: Build
) -> None:
    rows, failures = compare_models([split], test, search("popularity", "ease"), create, build)
    assert [row.name for row in rows] == ["popularity", "ease"]
    assert failures == {}
    assert rows[0].over_popularity.difference == 0.0
    assert rows[1].over_popularity.conclusion == "better"
    alone = evaluate(create("ease", {}), test, cutoffs=CUTOFFS, megabytes=1)
    assert rows[1].evaluation.mean("ndcg", 10) == alone.mean("ndcg", 10)


def test_hyper_parameters_come_from_validation_and_figures_from_the_test(
    split: Split, test: Split, create: Create, build: Build
) -> None:
    # On this test nobody meets item 1 but everybody item 3.
    other = replace(test, held_out=test.held_out.with_columns(item_index=pl.lit(3, pl.Int32)))
    good, bad = "0 9 1 1", "0 1 1 9"
    settings = {"fixed": {"scores": bad}, "space": {"scores": (good, bad)}, "defaults": {"scores": bad}}
    rows, _ = compare_models([split], other, search("ease", ease=settings), create, build)
    assert rows[0].params == {"scores": good}
    assert rows[0].evaluation.mean("precision", 1) == 0.0


def test_best_hybrid_and_the_blend_come_last_with_the_parameters_of_both(
    split: Split, test: Split, create: Create, build: Build
) -> None:
    # Alone, each finds one kind of user first; blended, item 1 is before item 2 and both before item 3.
    settings = {"ease": {"fixed": {"scores": [0, 9, 1, 2]}}, "content": {"fixed": {"scores": [0, 8, 9, 1]}}}
    rows, _ = compare_models([split], test, search("ease", "content", **settings), create, build)
    assert [row.name for row in rows][:3] == ["ease", "content", "hybrid(ease, content, α=0.5)"]
    assert [row.name for row in rows][3:] == ["blend(ease, content)"]
    assert rows[2].params == {
        "ease": {"blend_weight": 0.5, "scores": [0, 9, 1, 2]},
        "content": {"blend_weight": 0.5, "scores": [0, 8, 9, 1]},
    }
    assert rows[2].evaluation.mean("ndcg", 10) > rows[0].evaluation.mean("ndcg", 10)


def test_what_follows_the_order_is_also_measured_on_shuffled_histories() -> None:
    # Everybody goes on along the same ring, so that the last item of a history says what comes next.
    log = log_of([(user, (3 * user + step) % 40, step) for user in range(80) for step in range(6)])
    cut = named_cut(log, "leave-one-out", seed=1)
    cuts = [splitting.validation_split(log, cut)]
    tunables = tuple(Tunable(name) for name in ("popularity", "itemknn", "transitions"))
    asked = Search(tunables, 0.0, (), CUTOFFS, seed=7, megabytes=1, max_users=1000)
    rows, failures = compare_models(cuts, splitting.test_split(log, cut), asked, catalog.create, catalog.build)
    assert failures == {}
    by_name = {row.name: row for row in rows}
    assert list(by_name)[:4] == ["popularity", "itemknn", "transitions", "transitions, shuffled order"]
    assert by_name["itemknn"].over_shuffled is None
    over = by_name["transitions"].over_shuffled
    assert over is not None
    assert over.conclusion == "better"
    shuffled = by_name["transitions, shuffled order"].evaluation
    assert over.difference == pytest.approx(
        by_name["transitions"].evaluation.mean("ndcg", 10) - shuffled.mean("ndcg", 10)
    )
    assert describe_measured(by_name["transitions"], CUTOFFS)["over_shuffled"][0] == pytest.approx(over.difference)


def test_what_validation_chose_is_marked(split: Split, test: Split, create: Create, build: Build) -> None:
    rows, _ = compare_models([split], test, search("popularity", "ease", alphas=()), create, build)
    assert [row.name for row in rows if row.chosen] == ["ease"]


def test_what_a_fit_notes_is_in_its_row(split: Split, test: Split, create: Create, build: Build) -> None:
    def noting(model, params):
        made = create(model, params)
        made.note = f"{model} did otherwise"
        return made

    rows, _ = compare_models([split], test, search("popularity", "ease"), noting, build)
    assert [row.note for row in rows] == ["popularity did otherwise", "ease did otherwise"]


def test_component_that_is_best_alone_is_not_told_twice(
    split: Split, test: Split, create: Create, build: Build
) -> None:
    rows, _ = compare_models([split], test, search("ease", "content", alphas=(0.0, 1.0)), create, build)
    assert [row.name for row in rows] == ["ease", "content"]


def test_models_that_fail_are_left_out_and_said(split: Split, test: Split, create: Create, build: Build) -> None:
    rows, failures = compare_models([split], test, search("broken", "ease"), create, build)
    assert [row.name for row in rows] == ["ease"]
    assert failures == {"broken": "ZeroDivisionError: of its own"}


# Lists that were published


def lists(users: list[int], items: list[int]) -> pl.DataFrame:
    """The same list for each of the users."""
    return pl.DataFrame(
        {
            "user_id": np.repeat(users, len(items)),
            "item_id": items * len(users),
            "rank": list(range(1, len(items) + 1)) * len(users),
        },
        schema_overrides={"user_id": pl.Int32, "rank": pl.Int32},
    )


def test_published_lists_are_measured_as_the_model_that_made_them(test: Split, fixed: Any) -> None:
    found = measure_lists(lists(list(range(400)), [1, 2, 3]), test, CUTOFFS)
    made = evaluate(fixed([0, 9, 8, 1]), test, cutoffs=CUTOFFS, megabytes=1)
    assert np.array_equal(found.users, made.users)
    for metric in ("ndcg", "precision", "recall", "map", "mrr"):
        assert found.values(metric, 10) == pytest.approx(made.values(metric, 10))


def test_user_without_a_list_has_found_nothing(test: Split) -> None:
    found = measure_lists(lists(list(range(200)), [1, 2]), test, CUTOFFS)
    assert found.n_users == 400
    assert found.values("recall", 10).sum() == 200


def test_strangers_and_what_is_beyond_the_cutoffs_do_not_count(test: Split) -> None:
    whole = lists([0, 1], [3, 1])
    strange = pl.concat([whole, lists([999], [1])])
    found = measure_lists(strange, test, (1,))
    assert found.values("hit_rate", 1).sum() == 0
    assert measure_lists(strange, test, (2,)).values("hit_rate", 2).sum() == 1
