import numpy as np
import pytest

from models.neighbours.userknn import UserKnn, UserKnnConfig
from nightschool.histories import Histories
from nightschool.testing.recommender import RecommenderContract


class TestUserKnn(RecommenderContract):
    model = UserKnn
    forgetting_changes_others = True


@pytest.fixture
def likes(dataset_of):
    """User 0 shares two of three items with user 1 and one with user 2; user 3 shares nothing, user 4 likes nothing."""
    pairs = [(0, item, 5.0) for item in (0, 1, 2)] + [(1, item, 3.0) for item in (0, 1, 3)]
    pairs += [(2, 2, 1.0), (2, 4, 5.0), (3, 5, 2.0), (4, 0, 0.0)]
    return dataset_of(pairs, 5, 6)


def all_scores(model):
    return model.score(np.arange(len(model.known.user_ids), dtype=np.int32))


def test_scores_are_the_likeness_of_those_who_like_it(likes):
    scores = all_scores(UserKnn().fit(likes, seed=0))
    assert scores[0, 3] == pytest.approx(2 / 3)
    assert scores[0, 4] == pytest.approx(1 / np.sqrt(3 * 2))
    assert scores[0, 5] == 0
    assert scores[0, 0] == pytest.approx(1 + 2 / 3)
    assert not scores[4].any()


def test_few_neighbours_are_the_nearest(likes):
    scores = all_scores(UserKnn(UserKnnConfig(neighbours=2)).fit(likes, seed=0))
    assert scores[0, 3] > 0
    assert scores[0, 4] == 0


def test_all_scores_equal_the_dense_product(planted):
    likes = planted.positives().toarray().astype(np.float64)
    sizes = np.sqrt(likes.sum(axis=1))
    alike = likes @ likes.T / np.maximum(np.outer(sizes, sizes), 1e-9)
    scores = all_scores(UserKnn(UserKnnConfig(neighbours=42)).fit(planted, seed=0))
    np.testing.assert_allclose(scores, alike @ likes, atol=1e-5)


def test_a_new_history_has_no_neighbour_of_its_own(likes):
    model = UserKnn().fit(likes, seed=0)
    history = likes.history()[[0]]
    history.indices[0], history.indices[1], history.indices[2] = 0, 1, 4
    scores = model.fold_in(Histories(history))
    assert scores[0, 3] == pytest.approx(2 / 3)


def test_a_forgotten_user_speaks_for_nobody(likes):
    model = UserKnn().fit(likes, seed=0)
    before = all_scores(model)
    model.forget(1)
    after = all_scores(model)
    assert after.shape == (4, 6)
    assert after[0, 3] == 0
    assert model.similar.shape == (4, 4)
    assert model.likes.shape == (4, 6)
    np.testing.assert_array_equal(after[0, 4], before[0, 4])
    np.testing.assert_array_equal(after[2:], before[3:])
    folded = model.fold_in(likes.histories()[[0, 2, 3, 4]])
    assert np.array_equal(folded, after)
