from typing import ClassVar

import numpy as np
import pytest

from models import catalog
from models.hybrid import Hybrid
from nightschool.contract import Blended
from nightschool.errors import ConfigurationError
from nightschool.ranking.topk import allowed_items
from nightschool.recipe import Recipe
from nightschool.testing.difficult_data import DifficultDataContract
from nightschool.testing.recommender import RecommenderContract
from tests.models.test_catalog import BLEND

USERS = np.arange(42, dtype=np.int32)


class TestHybrid(RecommenderContract):
    model = Hybrid
    refuses: ClassVar = {
        "one item": "described",
        "one user and one item": "described",
        "only dislikes": "above zero",
        "no graded scores": "svd needs graded scores",
        "nothing available": "described",
    }
    # What a recipe holds is described where it is read, and svd cannot score a history that it was not fitted on.
    test_every_hyper_parameter_is_described_and_frozen = None
    test_folding_in_a_known_history_gives_the_users_own_scores = None
    test_without_the_item_that_is_named_as_the_reason_the_score_falls = None

    @classmethod
    def new(cls):
        return catalog.build(BLEND)

    @classmethod
    def parts(cls, model):
        return [model, *model.parts.values()]


class TestHybridWithReranker(DifficultDataContract):
    model = Hybrid
    refuses: ClassVar = {
        "one item": "with and without",
        "one user and one item": "nothing to learn",
        "one pair": "nothing to learn",
        "everybody has seen everything": "with and without",
        "only dislikes": "above zero",
        "nothing available": "with and without",
    }

    @classmethod
    def new(cls):
        components = [{"model": "popularity"}, {"model": "ease"}]
        return catalog.build(Recipe.model_validate({"components": components, "reranker": {"trees": 3}}))


def test_importances_are_those_of_the_reranker(planted):
    with_reranker = TestHybridWithReranker.new().fit(planted, seed=0)
    assert sum(with_reranker.importances().values()) == pytest.approx(1.0)
    assert catalog.build(recipe(0.7)).importances() == {}


def recipe(alpha):
    return Recipe.model_validate(
        {
            "components": [
                {"model": "ease", "params": {"l2": 5.0}, "weight": alpha},
                {"model": "content", "weight": 1 - alpha},
            ],
            "alpha": alpha,
        }
    )


@pytest.fixture
def hybrid(planted):
    return catalog.build(recipe(0.7)).fit(planted, seed=0)


def test_it_is_what_a_recipe_builds(hybrid):
    assert isinstance(hybrid, Blended)
    assert list(hybrid.parts) == ["ease", "content"]


def test_its_note_is_what_its_parts_noted_of_this_fit(hybrid, planted, monkeypatch):
    def learn_otherwise(model, dataset, seed):
        learn(model, dataset, seed)
        model.note = "sparse form"

    learn = catalog.MODELS["ease"]._learn
    assert hybrid.note is None
    with monkeypatch.context() as patched:
        patched.setattr(catalog.MODELS["ease"], "_learn", learn_otherwise)
        assert hybrid.fit(planted, seed=0).note == "ease: sparse form"
    assert hybrid.fit(planted, seed=0).note is None


def test_scores_are_weighted_z_scores_of_its_parts(hybrid, planted):
    allowed = allowed_items(planted.scores(), planted.available)
    expected = np.full(allowed.shape, -np.inf)
    for user in np.flatnonzero(allowed.any(axis=1)):
        parts = [part.score(USERS)[user, allowed[user]] for part in hybrid.parts.values()]
        ease, content = ((part - part.mean()) / (part.std() or 1) for part in parts)
        expected[user, allowed[user]] = 0.7 * ease + 0.3 * content
    np.testing.assert_allclose(hybrid.score(USERS), expected, rtol=1e-4, atol=1e-5)


def test_the_pool_holds_all_unseen_items_of_a_small_catalogue(hybrid, planted):
    pool = hybrid.pool(USERS)
    allowed = allowed_items(planted.scores(), planted.available)
    assert [set(row[row >= 0]) for row in pool.items] == [set(np.flatnonzero(row)) for row in allowed]
    assert pool.scores.shape[:2] == (2, 42)


@pytest.mark.parametrize(("alpha", "alone"), [(1.0, "ease"), (0.0, "content")])
def test_the_ends_of_the_sweep_are_the_components_alone(alpha, alone, planted):
    blended = catalog.build(recipe(alpha)).fit(planted, seed=0).recommend(planted.user_ids, 5)
    part = catalog.create(alone, {"l2": 5.0} if alone == "ease" else {}).fit(planted, seed=0)
    assert blended.drop("score").equals(part.recommend(planted.user_ids, 5).drop("score"))


def test_a_model_may_enter_a_recipe_twice(planted, tmp_path):
    twice = Recipe.model_validate(
        {"components": [{"model": "ease", "params": {"l2": 5.0}}, {"model": "ease", "params": {"l2": 50.0}}]}
    )
    hybrid = catalog.build(twice).fit(planted, seed=0)
    hybrid.save(tmp_path / "model")
    assert np.array_equal(catalog.load(tmp_path / "model").score(USERS), hybrid.score(USERS))


def test_it_folds_in_what_its_parts_fold_in(hybrid, planted):
    np.testing.assert_allclose(hybrid.fold_in(planted.histories()[USERS]), hybrid.score(USERS), rtol=1e-5)


def test_a_part_that_cannot_fold_in_is_named(planted):
    recipe = Recipe.model_validate({"components": [{"model": "ease"}, {"model": "svd"}]})
    hybrid = catalog.build(recipe).fit(planted, seed=0)
    with pytest.raises(ConfigurationError, match=r"cannot fold in.*svd"):
        hybrid.fold_in(planted.histories()[USERS])


def test_models_that_are_not_the_recipes_are_refused():
    with pytest.raises(ConfigurationError, match="names other models"):
        Hybrid(recipe(0.5), [catalog.create("ease", {})])
