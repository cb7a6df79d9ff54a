import numpy as np
import pytest
from scipy.sparse import csr_array

from nightschool.evaluation.facts import relevant_pairs
from nightschool.evaluation.gains import Gains
from nightschool.night.selection.blending import learn_blend, ndcg
from nightschool.ranking.candidates import candidate_pool
from nightschool.recipe import Component

NAMES = [Component(model=name) for name in ("loud", "quiet", "noise")]

USERS = np.arange(400, dtype=np.int32)


@pytest.fixture
def gains(split):
    """Two noisy views of what each user will meet, the first clearer than the second, and pure noise."""
    rng = np.random.default_rng(0)
    truth = np.zeros((400, 4), dtype=np.float32)
    truth[np.arange(400), split.held_out["item_index"].to_numpy()] = 1
    scores = [truth * clear + rng.normal(size=truth.shape).astype(np.float32) for clear in (2.0, 1.2, 0.0)]
    users = np.arange(400, dtype=np.int32)
    pool = candidate_pool(scores, split.fitted.history(), np.ones(4, dtype=bool))
    return Gains.of(pool, users, relevant_pairs(split), 10)


def test_what_helps_enters_with_less_weight_than_what_helps_more_and_noise_with_little(gains):
    recipe, judged = learn_blend(gains, USERS, NAMES)
    weights = {part.model: part.weight for part in recipe.components}
    assert weights["loud"] == 1.0
    assert 0.2 < weights["quiet"] < 1.0
    assert weights.get("noise", 0.0) < 0.2
    assert recipe.alpha is None
    weights = np.array([1.0, recipe.components[1].weight, 0.0], dtype=np.float32)
    assert judged.mean() == pytest.approx(ndcg(gains, weights).mean(), abs=0.01)


def test_without_users_of_both_halves_nobody_judges(gains):
    even = USERS % 2 == 0
    assert learn_blend(gains[even], USERS[even], NAMES).judged is None


def test_the_same_rows_make_the_same_blend(gains):
    assert learn_blend(gains, USERS, NAMES).recipe == learn_blend(gains, USERS, NAMES).recipe


def test_the_blend_is_better_than_its_best_component(gains):
    recipe = learn_blend(gains, USERS, NAMES).recipe
    weights = np.array([1.0, recipe.components[1].weight, 0.0], dtype=np.float32)
    assert ndcg(gains, weights).mean() > ndcg(gains, np.array([1, 0, 0], dtype=np.float32)).mean() + 0.01


def test_one_model_is_a_blend_of_itself(split):
    scores = np.tile(np.array([0, 3, 2, 1], dtype=np.float32), (400, 1))
    pool = candidate_pool([scores], csr_array((400, 4), dtype=np.float32), np.ones(4, dtype=bool))
    recipe = learn_blend(
        Gains.of(pool, np.arange(400, dtype=np.int32), relevant_pairs(split), 10), USERS, NAMES[:1]
    ).recipe
    assert [(part.model, part.weight) for part in recipe.components] == [("loud", 1.0)]
