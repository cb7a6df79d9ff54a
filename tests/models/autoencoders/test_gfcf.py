import numpy as np
import pytest

from models.autoencoders.gfcf import Gfcf, GfcfConfig
from nightschool.testing.recommender import RecommenderContract


class TestGfcf(RecommenderContract):
    model = Gfcf


@pytest.fixture(scope="module")
def blocks(dataset_of):
    """Ninety users in three tastes over thirty items, which three singular vectors tell well apart."""
    rng = np.random.default_rng(0)
    chance = np.where(np.arange(90)[:, None] % 3 == np.arange(30) % 3, 0.8, 0.05)
    return dataset_of([(int(u), int(i), 1.0) for u, i in np.argwhere(rng.random((90, 30)) < chance)], 90, 31)


@pytest.mark.parametrize(
    ("of_users", "of_items", "weight", "sharpening"),
    [(0.5, 0.5, 1.0, 0.0), (0.3, 0.2, 0.4, 0.0), (0.0, 0.0, 0.0, 0.0), (0.3, 0.2, 0.4, 0.7)],
)
def test_weights_are_those_of_the_formula(blocks, of_users, of_items, weight, sharpening):
    likes = blocks.positives().toarray().astype(np.float64)
    of_user, of_item = np.maximum(likes.sum(axis=1), 1), np.maximum(likes.sum(axis=0), 1)
    normed = likes / of_user[:, None] ** of_users / np.sqrt(of_item)
    vectors = np.linalg.svd(normed)[2][:3]
    gram = normed.T @ normed
    expected = gram + weight * (vectors.T @ vectors) / of_item[:, None] ** of_items * of_item**of_items
    expected -= sharpening * expected @ gram / np.linalg.norm(normed, 2) ** 2
    np.fill_diagonal(expected, 0)
    config = GfcfConfig(rank=3, weight=weight, user_exponent=of_users, item_exponent=of_items, sharpening=sharpening)
    weights = Gfcf(config).fit(blocks, seed=0).item_weights().toarray()
    np.testing.assert_allclose(weights, expected, atol=1e-3)


def test_only_the_largest_weights_are_kept(blocks):
    weights = Gfcf(GfcfConfig(weights_per_item=5)).fit(blocks, seed=0).item_weights()
    assert np.diff(weights.indptr).max() == 5


def test_a_rank_beyond_the_matrix_is_all_of_it(dataset_of):
    few = dataset_of([(0, 0, 1.0), (0, 1, 1.0), (1, 1, 1.0)], 2, 3)
    weights = Gfcf(GfcfConfig(rank=500)).fit(few, seed=0).item_weights()
    assert np.isfinite(weights.data).all()
