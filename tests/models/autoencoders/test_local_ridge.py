import numpy as np
import pytest
from scipy.sparse import csr_array

from models.autoencoders.item_gram import ItemGram, Sequences
from models.autoencoders.local_ridge import solve_nearest


@pytest.fixture
def item_gram():
    rng = np.random.default_rng(0)
    likes = csr_array((rng.random((60, 40)) < 0.3).astype(np.float32))
    features = csr_array(((rng.random((40, 12)) < 0.4) * rng.random((40, 12))).astype(np.float32))
    return ItemGram(likes, features, Sequences.none(40), content=2.0)


def solve(item_gram, penalty, m):
    return solve_nearest(item_gram, item_gram.sparse(item_gram.entries_by_row()), penalty, m)


def test_with_all_others_near_it_is_the_closed_form(item_gram):
    penalty = np.linspace(4, 9, 40)
    inverse = np.linalg.inv(item_gram.rows(np.arange(40), np.float64) + np.diag(penalty))
    found = solve(item_gram, penalty, 39)
    np.testing.assert_allclose(found.own, inverse.diagonal(), rtol=1e-5)
    expected = -inverse / inverse.diagonal() * np.linspace(0, 1, 40)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(found.by_history_item(np.linspace(0, 1, 40)).toarray(), expected, atol=1e-5)


def test_each_item_is_regressed_on_its_nearest_alone(item_gram):
    penalty = np.full(40, 5.0)
    matrix = item_gram.rows(np.arange(40), np.float64) + np.diag(penalty)
    found = solve(item_gram, penalty, 7)
    for target in range(40):
        near = np.abs(matrix[target]) / np.sqrt(matrix.diagonal())
        near[target] = 0
        chosen = np.sort(np.argsort(-near, kind="stable")[:7])
        assert found.neighbours[target].tolist() == chosen.tolist()
        weights = np.linalg.solve(matrix[np.ix_(chosen, chosen)], matrix[chosen, target])
        np.testing.assert_allclose(found.weights[target], weights, atol=1e-5)


def test_an_item_with_nothing_in_common_has_no_neighbours():
    found = solve(ItemGram.of_likes(csr_array(np.eye(3, dtype=np.float32))), np.full(3, 4.0), 2)
    assert found.counts.tolist() == [0, 0, 0]
    assert found.own.tolist() == [0.2, 0.2, 0.2]
    assert found.by_history_item(np.ones(3)).nnz == 0


def test_one_item_alone():
    found = solve(ItemGram.of_likes(csr_array(np.ones((2, 1), dtype=np.float32))), np.full(1, 3.0), 5)
    assert found.own.tolist() == [0.2]
    assert found.by_history_item(np.ones(1)).shape == (1, 1)


def test_where_there_is_no_inverse_it_says_so():
    likes = csr_array(np.ones((3, 3), dtype=np.float32))
    found = solve(ItemGram.of_likes(likes), np.zeros(3), 2)
    assert np.isnan(found.own).all()
