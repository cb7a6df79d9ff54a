import numpy as np
import pytest
from scipy.sparse import csr_array

from models.factorization.als_spark import AlsSpark, AlsSparkConfig
from nightschool.contract import Dataset
from nightschool.histories import Histories
from nightschool.testing.recommender import RecommenderContract


@pytest.mark.spark
class TestContract(RecommenderContract):
    model = AlsSpark


def fitted(alpha: float = 10.0, regularisation: float = 0.1) -> tuple[AlsSpark, np.ndarray]:
    """A model that has taken over factors, and these."""
    factors = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    model = AlsSpark(AlsSparkConfig(factors=3, alpha=alpha, regularisation=regularisation))
    model.take(factors)
    return model, factors


@pytest.mark.parametrize("alpha", [1.0, 40.0])
def test_users_are_solved_for_as_spark_does(alpha: float) -> None:
    model, factors = fitted(alpha)
    history = np.array([[1, 0, 1, 0, 0, 1], [0, 0, 0, 1, 0, 0]], dtype=np.float32)
    scores = model.fold_in(Histories(csr_array(history)))
    for row, liked in zip(scores, history > 0, strict=True):
        own = factors[liked].astype(np.float64)
        left = factors.T @ factors + alpha * own.T @ own + 0.1 * len(own) * np.eye(3)
        user = np.linalg.solve(left, (1 + alpha) * own.sum(axis=0))
        np.testing.assert_allclose(row, factors @ user, rtol=2e-3, atol=2e-3)


def test_contributions_are_on_the_scale_of_the_scores() -> None:
    model, _ = fitted()
    history = Histories(csr_array(np.array([[1, 0, 0, 0, 0, 0]], dtype=np.float32)))
    items = np.array([[0, 1, 2]], dtype=np.int32)
    np.testing.assert_allclose(model.contributions(history, items)[0], model.fold_in(history)[0, :3], rtol=1e-4)


@pytest.mark.spark
def test_blocks_and_cores_do_not_change_a_fit_beyond_rounding(planted: Dataset) -> None:
    config = AlsSparkConfig(factors=8, iterations=4, blocks=4)
    once, again = (AlsSpark(config).fit(planted, seed=3) for _ in range(2))
    np.testing.assert_array_equal(once.item_factors, again.item_factors)
    users = np.arange(planted.n_users, dtype=np.int32)
    other = AlsSpark(config.model_copy(update={"blocks": 2})).fit(planted, seed=3)
    assert once.score(users).shape == other.score(users).shape
