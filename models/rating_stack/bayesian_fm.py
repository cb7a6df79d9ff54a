"""A Bayesian factorisation machine over ids, attributes and histories of both sides."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array, csr_matrix, diags_array, eye_array, hstack

from models.base import ModelConfig
from models.factorization.factor_model import FactorModel
from models.labels import item_labels, user_labels
from models.rating_stack.sessions import Sessions
from models.rating_stack.temporal_context import instants_of, seconds_of
from models.ratings import Ratings
from nightschool.contract import Dataset, Float32s, Space
from nightschool.data.shape import Shape
from nightschool.errors import ConfigurationError

Float64s = NDArray[np.float64]

_DEVIATION = 0.1  # of the normal distribution that the sampler starts from
_PRIORS = {"alpha_0": 1.0, "beta_0": 1.0, "gamma_0": 1.0, "mu_0": 0.0, "reg_0": 1.0}  # as myfm's own regressor has them


class BayesianFmConfig(ModelConfig):
    """How the posterior is sampled."""

    rank: int = Field(default=16, ge=1, le=256, description="Length of each feature's vector.")
    chains: int = Field(default=3, ge=1, le=100, description="Samplers that start apart; one alone explores little.")
    burn_in: int = Field(default=20, ge=0, le=10_000, description="First samples of a chain, which are thrown away.")
    samples: int = Field(default=100, ge=1, le=10_000, description="Samples of a chain that predictions average.")
    max_gigabytes: float = Field(default=4.0, gt=0, description="Memory that all samples may take, in GB.")

    space: ClassVar[Space] = {"rank": (8, 16, 32)}

    @property
    def kept(self) -> int:
        """Samples that all chains keep."""
        return self.chains * self.samples


class BayesianFm(FactorModel):
    """Bayesian factorisation machine: ratings from ids, attributes and histories of both sides.

    Formula:
        r = E[w₀ + Σ wₐ xₐ + Σ_{a<b} ⟨vₐ, v_b⟩ xₐ x_b] over the posterior, by Gibbs sampling (myfm). The features x of a
        side are its id, its attributes and its n interactions with 1 / √n each; of an item also the items scored in the
        same sessions, scaled to unit length. All share one prior. In one sample, pairs of features within a side add up
        to a bias and those across to a product of two vectors; the mean over samples is therefore a factorisation of
        rank × chains × samples factors, which is stored and is exact.

    Good for:
        The most accurate single model of ratings where users and items have attributes; slow to fit.

    Refuses:
        Data without graded scores, and samples that exceed `max_gigabytes`.

    Memory:
        4 · rank · chains · samples bytes a user and an item.

    Examples:
        >>> model = BayesianFm(BayesianFmConfig(rank=2, chains=1, burn_in=5, samples=10)).fit(dataset, seed=0)
        >>> algebra, painting = model.predict(np.array([0, 0]), np.array([3, 13]))
        >>> bool(algebra > painting)  # user 0 likes algebra
        True

    Reference:
        Rendle, "Factorization Machines with libFM", 2012; Freudenthaler, Schmidt-Thieme and Rendle, "Bayesian
        Factorization Machines", 2011; relation blocks: Rendle, "Scaling Factorization Machines to Relational Data",
        VLDB 2013.
    """

    name = "bayesian_fm"
    config_type = BayesianFmConfig
    sequential = True
    needs_scores = True

    config: BayesianFmConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return (
            2e-7 * shape.pairs * self.config.rank * self.config.chains * (self.config.burn_in + self.config.samples) / 2
        )

    def _learn(self, dataset: Dataset, seed: int) -> None:
        ratings = Ratings.graded(dataset)
        self._check_memory(ratings)
        scored = _scored(ratings)
        users = _Side(_features(user_labels(dataset), scored), self.config)
        co_occurrence = _co_occurrence(ratings, dataset)
        items = _Side(
            hstack([_features(item_labels(dataset), scored.T.tocsr()), co_occurrence], format="csr"), self.config
        )
        posterior = _Posterior(users, items, self.config)
        for chain in range(self.config.chains):
            posterior.start(chain)
            _sample(ratings, posterior, self.config, seed * self.config.chains + chain)
        self.mean = np.array([posterior.weight / self.config.kept], dtype=np.float32)
        self.user_biases, self.user_factors = users.arrays()
        self.item_biases, self.item_factors = items.arrays()
        self.score_range = np.array(ratings.scale, dtype=np.float32)

    def _check_memory(self, ratings: Ratings) -> None:
        needed = (ratings.n_users + ratings.n_items) * self.config.kept * self.config.rank * 4 / 1e9
        if needed > self.config.max_gigabytes:
            raise ConfigurationError(
                f"the samples of bayesian_fm need {needed:.2g} GB",
                seen=f"max_gigabytes={self.config.max_gigabytes:g}",
                do="lower bayesian_fm.samples, chains or rank, or raise bayesian_fm.max_gigabytes",
            )


class _Side:
    """Users or items: their features, and what each sample of the weights makes of them."""

    def __init__(self, features: csr_array, config: BayesianFmConfig) -> None:
        self.features = features
        self._squares = features.multiply(features).tocsr()
        n = features.shape[0]
        self._biases = np.zeros(n + 1)
        self._factors = np.zeros((n + 1, config.kept, config.rank), dtype=np.float32)

    def take(self, place: int, weights: Float64s, vectors: Float64s) -> None:
        """Keep a sample of the weights [n_features] and vectors [n_features, rank] of this side's features."""
        factors = self.features @ vectors
        within = (factors**2 - self._squares @ vectors**2).sum(axis=1) / 2
        self._biases[:-1] += self.features @ weights + within
        self._factors[:-1, place] = factors

    def arrays(self) -> tuple[Float32s, Float32s]:
        """Return mean biases, float32 [n + 1], and factors whose products are means, float32 [n + 1, kept · rank]."""
        kept = self._factors.shape[1]
        biases = (self._biases / kept).astype(np.float32)
        self._factors /= np.float32(np.sqrt(kept))
        return biases, self._factors.reshape(len(biases), -1)


class _Posterior:
    """What the sampler calls after each draw: hands each side its part, once the first draws are thrown away."""

    def __init__(self, users: _Side, items: _Side, config: BayesianFmConfig) -> None:
        self.users, self.items = users, items
        self.weight = 0.0
        self._config = config
        self._first = 0

    def start(self, chain: int) -> None:
        """Place the samples of a chain behind those of the chains before it."""
        self._first = chain * self._config.samples - self._config.burn_in

    def __call__(self, iteration: int, machine: Any, _hyper: Any, _history: Any) -> bool:
        if iteration >= self._config.burn_in:
            split = self.users.features.shape[1]
            weights, vectors = machine.w, machine.V
            self.weight += machine.w0
            self.users.take(self._first + iteration, weights[:split], vectors[:split])
            self.items.take(self._first + iteration, weights[split:], vectors[split:])
        return False  # whether to stop


def _sample(ratings: Ratings, posterior: _Posterior, config: BayesianFmConfig, seed: int) -> None:
    """Run one chain of the sampler."""
    # Imported here: it warns of its own imports, which who fits another model need not read. myfm's regressor
    # would draw a progress bar wherever standard error leads; these are what it calls.
    from myfm._myfm import ConfigBuilder, RelationBlock, TaskType, create_train_fm  # noqa: PLC0415

    users, items = posterior.users.features, posterior.items.features
    plan = ConfigBuilder()
    for prior, value in _PRIORS.items():
        getattr(plan, f"set_{prior}")(value)
    plan.set_identical_groups(users.shape[1] + items.shape[1])
    plan.set_n_iter(config.burn_in + config.samples)
    plan.set_n_kept_samples(1)
    plan.set_task_type(TaskType.REGRESSION)
    blocks = [RelationBlock(ratings.users, csr_matrix(users)), RelationBlock(ratings.items, csr_matrix(items))]
    scores = ratings.scores.astype(np.float64)
    outside_blocks = csr_matrix((len(scores), 0))
    create_train_fm(config.rank, _DEVIATION, outside_blocks, blocks, scores, seed, plan.build(), posterior)


def _features(labels: csr_array, scored: csr_array) -> csr_array:
    """Stack id, labels and history of each row, CSR float64 [n, n_features]; a history of n weighs 1 / √n each."""
    scale = 1 / np.sqrt(np.maximum(scored.sum(axis=1), 1))
    return hstack([eye_array(labels.shape[0], format="csr"), labels, diags_array(scale) @ scored], format="csr")


def _co_occurrence(ratings: Ratings, dataset: Dataset) -> csr_array:
    """Count how often items were scored in one session, CSR float64 [n_items, n_items], rows of unit length."""
    seconds = seconds_of(instants_of(dataset.pairs))
    co_occurrence = Sessions.of(ratings.users, ratings.items, seconds, ratings.n_items).co_occurrence.astype(np.float64)
    lengths = np.sqrt(co_occurrence.multiply(co_occurrence).sum(axis=1))
    return diags_array(1 / np.maximum(lengths, 1)) @ co_occurrence


def _scored(ratings: Ratings) -> csr_array:
    """Return ones where there is a score, CSR float64 [n_users, n_items]."""
    ones = np.ones(len(ratings.scores))
    return csr_array((ones, (ratings.users, ratings.items)), shape=(ratings.n_users, ratings.n_items))
