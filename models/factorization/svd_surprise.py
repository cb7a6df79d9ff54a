"""The biased matrix factorisation of `svd`, trained by Surprise: the reference."""

import surprise

from models.factorization.factor_model import FactorModel
from models.factorization.surprise_trainset import trainset
from models.factorization.svd import SvdConfig, ratings_for
from nightschool.contract import Dataset


class SvdSurprise(FactorModel):
    """What `svd` learns, as `surprise.SVD` learns it: about ten times slower, in float64.

    Reference:
        Hug, "Surprise: A Python library for recommender systems", Journal of Open Source Software, 2020.
    """

    name = "svd_surprise"
    config_type = SvdConfig

    config: SvdConfig

    def _learn(self, dataset: Dataset, seed: int) -> None:
        ratings = ratings_for(dataset, self.config, seed)
        trained = surprise.SVD(
            n_factors=self.config.factors,
            n_epochs=self.config.epochs,
            lr_all=self.config.learning_rate,
            reg_all=self.config.regularisation,
            random_state=seed,
        ).fit(trainset(ratings))
        self._take_over(trained, ratings)
