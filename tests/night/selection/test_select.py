import logging
from dataclasses import replace

import numpy as np
import pytest

from nightschool.contract import Span
from nightschool.errors import ConfigurationError, NightschoolError
from nightschool.night.selection.search import Search, Tunable
from nightschool.night.selection.select import choose_recipe


def search(*models, **changes):
    tunables = tuple(Tunable(model) for model in models)
    plain = Search(tunables, 0.0, alphas=(0.0, 0.5, 1.0), cutoffs=(1, 10), seed=0, megabytes=1, max_users=1000)
    return replace(plain, **changes)


@pytest.fixture
def create(fixed):
    """`good` ranks item 1 first, which nine users in ten will meet; the others do not."""
    scores = {"good": [0, 9, 1, 1], "popularity": [9, 0, 1, 2], "content": [0, 1, 2, 9]}

    def make(model, params):
        if model == "broken":
            raise ConfigurationError("cannot be trained", seen=1)
        if model == "crashing":
            raise ZeroDivisionError("of its own")
        return fixed(params.get("scores", scores.get(model)))

    return make


def test_the_best_model_is_chosen_on_validation(split, create):
    selection = choose_recipe([split], search("popularity", "good"), create)
    assert selection.recipe.name == "good"
    assert [c.component.model for c in selection.candidates] == ["popularity", "good"]
    assert selection.sweep == {}


def test_a_models_best_setting_stands_for_it(split, create):
    worse, better = "0 0 1 2", "0 3 2 1"
    space = {"scores": (worse, better)}
    tunable = Tunable("good", {"scores": worse}, space, {"scores": worse}, seconds=lambda _: 10.0)
    selection = choose_recipe([split], search(tunables=(tunable,), seconds=100.0), create)
    assert selection.recipe.components[0].params == {"scores": better}
    assert len(selection.trials) == 10  # of 10 seconds each


def test_a_setting_that_was_searched_tells_on_how_many_likes_and_one_that_was_not_does_not(split, create):
    strength = {"strength": Span(0.1, 1.0, chosen_on="likes")}
    searched = Tunable("good", space=strength, defaults={"strength": 0.5})
    fixed = Tunable("good", fixed={"strength": 0.5})
    for tunable, told in ((searched, 20.0), (fixed, None)):
        selection = choose_recipe([split], search(tunables=(tunable,), seconds=60.0), create)
        assert selection.recipe.components[0].params.get("likes") == told


@pytest.mark.parametrize("likes", [7.0, None])
def test_what_a_user_says_about_the_likes_stands(likes, split, create):
    strength = {"strength": Span(0.1, 1.0, chosen_on="likes")}
    tunable = Tunable("good", space=strength, defaults={"strength": 0.5}, fixed={"likes": likes})
    selection = choose_recipe([split], search(tunables=(tunable,), seconds=60.0), create)
    assert selection.recipe.components[0].params["likes"] == likes


def test_what_everyone_likes_is_no_collaborative_part_of_a_hybrid(split, create, fixed):
    def make(model, params):
        return fixed([9, 9, 1, 2]) if model == "recent_popularity" else create(model, params)

    same_for_all = [Tunable(model, personal=False) for model in ("recent_popularity", "popularity")]
    tunables = (same_for_all[0], Tunable("good"), Tunable("content"))
    found = choose_recipe([split], search(tunables=tunables), make)
    assert {component.model for component in found.hybrid[0.5].components} == {"good", "content"}
    assert not choose_recipe([split], search(tunables=(*same_for_all, Tunable("content"))), make).hybrid


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_a_recipe_holds_every_setting_so_that_no_default_can_change_it(seconds, split, create):
    strength = {"strength": Span(0.1, 1.0, chosen_on="likes")}
    defaults = {"strength": 0.5, "likes": None, "depth": 3, "width": 4}
    tunable = Tunable("good", {"width": 9}, strength, defaults)
    found = choose_recipe([split], search(tunables=(tunable,), seconds=seconds), create)
    expected = {"strength": 0.5, "likes": 20.0 if seconds else None, "depth": 3, "width": 9}
    assert found.recipe.components[0].params == expected
    assert all(set(trial.component.params) <= {"width", "strength"} for trial in found.trials)


def test_noise_beside_a_model_is_no_better_blend(split, create, fixed):
    class Noise(fixed):
        """Scores at random, the same again for the same users."""

        def score(self, users):
            drawn = np.random.default_rng([int(self.scores[0]), *users]).normal(size=(len(users), 4))
            return drawn.astype(np.float32)

    def make(model, params):
        return Noise([int(model)]) if model.isdigit() else create(model, params)

    found = choose_recipe([split], search("good", *"12345678"), make)
    assert found.recipe.name == "good"


def test_a_blend_is_learned_where_each_model_knows_something_else(split, fixed):
    class Half(fixed):
        """Knows what the users of one half will meet, and nothing of the others."""

        def score(self, users):
            scores = np.zeros((len(users), 4), dtype=np.float32)
            known = (users < 200) == bool(self.scores[0])
            scores[known, np.where(users % 10 == 0, 2, 1)[known]] = 1
            return scores

    found = choose_recipe([split], search("left", "right"), lambda model, _: Half([model == "left"]))
    assert found.recipe.name in {"blend(left, right)", "blend(right, left)"}
    assert found.blend is not None
    assert found.blend.evaluation.mean("ndcg", 10) > max(c.evaluation.mean("ndcg", 10) for c in found.candidates)


def test_many_users_are_sampled_once_for_all_candidates(split, create):
    selection = choose_recipe([split], search("popularity", "good", max_users=50), create)
    assert [c.evaluation.n_users for c in selection.candidates] == [50, 50]
    assert selection.candidates[0].evaluation.users.tolist() == selection.candidates[1].evaluation.users.tolist()


def test_the_sweep_covers_every_alpha_and_ends_at_each_component(split, create):
    selection = choose_recipe([split], search("popularity", "good", "content"), create)
    by_model = {c.component.model: c.evaluation for c in selection.candidates}
    assert list(selection.sweep) == [0.0, 0.5, 1.0]
    assert selection.sweep[1.0].mean("ndcg", 10) == by_model["good"].mean("ndcg", 10)
    assert selection.sweep[0.0].mean("ndcg", 10) == by_model["content"].mean("ndcg", 10)
    assert [c.weight for c in selection.hybrid[0.5].components] == [0.5, 0.5]


def test_candidates_that_fail_are_left_out_and_said(split, create, caplog):
    with caplog.at_level(logging.WARNING, logger="nightschool.night"):
        selection = choose_recipe([split], search("broken", "crashing", "good"), create)
    assert selection.recipe.name == "good"
    assert "cannot be trained" in selection.failures["broken"]
    assert selection.failures["crashing"] == "ZeroDivisionError: of its own"
    assert "crashing is left out tonight" in caplog.text


def test_a_night_without_candidates_ends(split, create):
    with pytest.raises(NightschoolError, match="no candidate could be trained"):
        choose_recipe([split], search("broken"), create)


def test_what_was_not_tried_is_said_with_its_reason(split, create):
    found = choose_recipe([split], search("good", left_out={"slow": "not tried: it takes too long"}), create)
    assert found.failures == {"slow": "not tried: it takes too long"}


def test_where_no_user_can_be_evaluated_the_first_candidate_stands(split, create):
    nothing = replace(split, held_out=split.held_out.clear())
    found = choose_recipe([nothing], search("popularity", "good"), create)
    assert (found.recipe.name, found.blend) == ("popularity", None)
