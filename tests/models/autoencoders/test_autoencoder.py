import numpy as np
import pytest
from pydantic import ValidationError
from scipy.sparse import csr_array

from models.autoencoders.autoencoder import Autoencoder, AutoencoderConfig, invert, spread
from models.autoencoders.item_gram import ItemGram
from nightschool.errors import ConfigurationError, NightschoolError
from nightschool.ranking.truncate import keep_largest

N_ITEMS = 130
DENSE_GIGABYTES = N_ITEMS**2 * 8 / 1e9


@pytest.fixture(scope="module")
def item_gram():
    """Every two items have somebody in common."""
    rng = np.random.default_rng(0)
    likes = rng.random((400, N_ITEMS)) < 0.2 + rng.random(N_ITEMS) / 3
    return ItemGram.of_likes(csr_array(likes.astype(np.float32)))


def ones(own, _penalty):
    return np.ones_like(own)


def product(own, penalty):
    return own * penalty


def autoencoder(item_gram, shares=ones, **params):
    return Autoencoder(
        "ease", AutoencoderConfig(**{"l2": 10.0, "weights_per_item": N_ITEMS} | params), item_gram, shares
    )


def test_the_penalty_grows_with_popularity(item_gram):
    penalty = autoencoder(item_gram, dropout=0.75).penalty
    np.testing.assert_allclose(penalty, 10 + 3 * item_gram.likes.sum(axis=0))


@pytest.mark.parametrize("shares", [ones, product])
@pytest.mark.parametrize("dropout", [0.0, 0.6])
def test_the_sparse_form_with_all_neighbours_is_the_dense_form(item_gram, shares, dropout):
    dense, note = autoencoder(item_gram, shares, dropout=dropout).learn()
    budget = DENSE_GIGABYTES / 2
    with pytest.raises(ConfigurationError, match="even in its sparse form"):
        autoencoder(item_gram, shares, dropout=dropout, neighbours=N_ITEMS - 1, max_gigabytes=budget).learn()
    sparse = autoencoder(item_gram, shares, dropout=dropout, neighbours=N_ITEMS - 1)._sparse()
    assert note is None
    np.testing.assert_allclose(sparse.toarray(), dense.toarray(), atol=2e-5)


def test_the_sparse_form_keeps_the_largest_weights_too(item_gram):
    everything = autoencoder(item_gram, neighbours=50)._sparse().toarray()
    cut = autoencoder(item_gram, neighbours=50, weights_per_item=4)._sparse()
    expected = keep_largest(everything, 4)
    assert cut.nnz == expected.nnz < np.count_nonzero(everything)
    assert np.array_equal(cut.toarray(), expected.toarray())


def test_neither_form_inverts_what_has_no_inverse():
    twins = ItemGram.of_likes(csr_array(np.ones((50, 30), dtype=np.float32)))
    singular = autoencoder(twins, l2=1e-13)
    for learn in (singular.learn, singular._sparse):
        with pytest.raises(NightschoolError, match=r"cannot be inverted.*raise ease\.l2"):
            learn()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 64, 131])
def test_a_matrix_is_inverted_in_place(dtype, n):
    factor = np.random.default_rng(n).random((n, n))
    matrix = factor @ factor.T + n * np.eye(n)
    inverse = np.triu(matrix).astype(dtype)
    assert invert(inverse)
    np.testing.assert_allclose(inverse, np.linalg.inv(matrix), rtol=2e-4, atol=1e-6)
    assert np.array_equal(inverse, inverse.T)


def test_what_is_not_positive_definite_is_not_inverted():
    assert not invert(np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_weights_are_spread_over_all_items():
    weights = csr_array(np.array([[0, 1, 2], [0, 0, 0], [3, 0, 0]], dtype=np.float32))
    expected = np.zeros((6, 6), dtype=np.float32)
    expected[1, 4], expected[1, 5], expected[5, 1] = 1, 2, 3
    found = spread(weights, np.array([1, 4, 5]), 6)
    assert np.array_equal(found.toarray(), expected)


@pytest.mark.parametrize("params", [{"dropout": 1.0}, {"dropout": -0.1}, {"l2": 0.0}, {"neighbours": 0}])
def test_hyper_parameters_out_of_range_are_refused(params):
    with pytest.raises(ValidationError):
        AutoencoderConfig(**params)
