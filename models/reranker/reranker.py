"""A reranker: boosted trees that order the best candidates of a blend by all that is known of them."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression

from models.rating_stack.boosted_trees import read_trees, write_trees
from models.reranker.config import RerankerConfig
from models.reranker.features.all import CandidateFeatures
from models.reranker.features.history import content_nearness
from models.reranker.splits import rotating_cuts
from models.reranker.training_data import Fit, TrainingBatch, TrainingSetBuilder, join_batches
from models.serialization import read_arrays, write_arrays
from nightschool.contract import Dataset, Float32s, Indices, Pool
from nightschool.errors import DataRefused
from nightschool.ranking.topk import top_k

logger = logging.getLogger("nightschool.models")

_TREES = "trees.txt"
_START = "start.npz"
_FIXED = {"deterministic": True, "force_row_wise": True, "num_threads": 2, "verbosity": -1, "bagging_freq": 1}
"""What gives the same trees every time; sums differ in their last bit with another number of threads."""
_LOGGED = 5  # features that the log names


class Reranker:
    """Orders the best candidates of a blend by gradient boosted trees over `CandidateFeatures`.

    It learns from rotating cuts of what may be learned from: for each, the blend is fitted on the rest, the features
    are of the rest alone, and the candidates that were held out are the hits. Boosting starts from what the blended
    score tells by logistic regression, so that the trees learn only what the blend does not say.

    Args:
        config: The hyper-parameters.

    References:
        Burges, "From RankNet to LambdaRank to LambdaMART: An Overview", Microsoft Research MSR-TR-2010-82, 2010;
        Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.
    """

    features: CandidateFeatures
    start: Float32s
    """float32 [2], the log odds of a hit: where the blended score is zero, and for each unit of it."""
    trees: lightgbm.Booster

    def __init__(self, config: RerankerConfig) -> None:
        self.config = config

    def learn(self, dataset: Dataset, components: Sequence[str], fit: Fit, seed: int) -> Self:
        """Learn to rerank for a blend that was fitted on the dataset, and return self.

        Args:
            dataset: What may be learned from.
            components: The names of the blend's components.
            fit: Fits a blend of the same recipe, without a reranker, on another dataset.
            seed: Seed of the cuts and of the trees.

        Raises:
            ConfigurationError: The cut needs times, and the data have none.
            DataRefused: No user interacted with a candidate in any of the cuts.
        """
        in_content = content_nearness(dataset)
        builder = TrainingSetBuilder(self.config.depth, self.config.relevant_from, self.config.max_users, seed)
        batches = [
            builder.batch(held, fit(held.rest), CandidateFeatures.of(held.rest, in_content))
            for held in rotating_cuts(dataset, self.config.cut, self.config.folds, seed)
        ]
        self._grow(join_batches(batches), seed)
        self.features = CandidateFeatures.of(dataset, in_content)
        largest = list(self.importances(components).items())[:_LOGGED]
        logger.info("the reranker's gain comes from %s", ", ".join(f"{name} {share:.0%}" for name, share in largest))
        return self

    def score(self, pool: Pool, blended: Float32s, users: Indices) -> Float32s:
        """Score candidates by trees, float32 [n, width].

        The best `depth` of the blend are reordered; the others stay behind them in the order of the blend.

        Args:
            pool: Candidates of n users.
            blended: float32 [n, width], their blended scores; -inf is never ranked, and stays so.
            users: int32 [n], whose they are.
        """
        places, kept = top_k(blended, max(blended.shape[1], 1))
        found = places >= 0
        ahead = found[:, : self.config.depth]
        features = self.features.rows(pool, places[:, : self.config.depth], blended, users)
        fresh = np.full(ahead.shape, np.inf, dtype=np.float32)
        fresh[ahead] = self._answer(features, kept[:, : self.config.depth][ahead])
        # Whole steps below the lowest keep the order of the others where their scores are too close for float32.
        ranked = fresh.min(axis=1, initial=np.inf)[:, None] - np.arange(1, places.shape[1] + 1, dtype=np.float32)
        ranked[:, : self.config.depth] = fresh
        scores = np.full_like(blended, -np.inf)
        scores[np.nonzero(found)[0], places[found]] = ranked[found]
        return scores

    def importances(self, components: Sequence[str]) -> dict[str, float]:
        """Map each feature to its share of what all splits gained, the largest first.

        Args:
            components: The names of the blend's components.
        """
        gains = self.trees.feature_importance("gain")
        shares = gains / max(gains.sum(), np.finfo(np.float64).tiny)
        names = self.features.names(components)
        return {names[place]: float(shares[place]) for place in np.argsort(-shares, kind="stable")}

    def forget(self, user_index: int) -> None:
        """Remove a user's rows; the index of later users falls by one."""
        self.features = self.features.without(user_index)

    def write(self, directory: Path) -> None:
        """Write the trees as text, and arrays, below a new directory."""
        directory.mkdir()
        write_trees(directory / _TREES, self.trees)
        write_arrays(directory / _START, {"start": self.start})
        self.features.save(directory)

    def read(self, directory: Path) -> None:
        """Read what `write` wrote.

        Raises:
            ConfigurationError: A file is damaged.
        """
        self.features = CandidateFeatures.load(directory)
        self.start = read_arrays(directory / _START)["start"]
        self.trees = read_trees(directory / _TREES)

    def _answer(self, features: Float32s, blended: Float32s) -> Float32s:
        """Predict the log odds of each candidate, float32 [n]; in the sense of the objective."""
        if not len(features):
            return np.empty(0, dtype=np.float32)
        grown = self.trees.predict(features, raw_score=True, num_threads=1)
        answer: Float32s = (self._begin(blended) + grown).astype(np.float32)
        return answer

    def _begin(self, blended: Float32s) -> Float32s:
        begin: Float32s = self.start[0] + self.start[1] * blended
        return begin

    def _grow(self, batch: TrainingBatch, seed: int) -> None:
        """Train where boosting starts, and the trees."""
        if not batch.labels.any() or batch.labels.all():
            raise DataRefused(
                "a reranker needs candidates with and without interactions",
                seen=f"{batch.labels.sum()} of {len(batch.labels)} with",
                do="leave the reranker out of these data",
            )
        logistic = LogisticRegression().fit(batch.starts[:, None], batch.labels)
        self.start = np.array([logistic.intercept_[0], logistic.coef_[0, 0]], dtype=np.float32)
        data = lightgbm.Dataset(
            batch.features,
            batch.labels.astype(np.float32),
            group=batch.sizes if self.config.objective == "lambdarank" else None,
            init_score=self._begin(batch.starts),
            params=_FIXED,
        )
        grown = {
            "objective": self.config.objective,
            "num_leaves": self.config.leaves,
            "learning_rate": self.config.learning_rate,
            "min_data_in_leaf": self.config.min_leaf,
            "lambda_l2": self.config.l2,
            "feature_fraction": self.config.feature_fraction,
            "bagging_fraction": self.config.bagging,
            "seed": seed,
        }
        self.trees = lightgbm.train({**_FIXED, **grown}, data, num_boost_round=self.config.trees)
