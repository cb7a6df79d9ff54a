"""The biased matrix factorisation of `svd`, trained by Surprise: the reference."""

import surprise

from models.factorization.factor_model import FactorModel
from models.factorization.surprise_trainset import trainset
from models.factorization.svd import SvdConfig, ratings_for
from nightschool.contract import Dataset
from nightschool.data.shape import Shape


class SvdSurprise(FactorModel):
    """Biased matrix factorisation as Surprise trains it: the reference for `svd`.

    Formula:
        That of `svd`, trained by `surprise.SVD` in float64.

    Good for:
        Checking `svd` against an independent implementation; it is about ten times slower.

    Refuses:
        Data without graded scores unless `negatives` is set, and `negatives` where scores are graded.

    Memory:
        `factors` + 1 floats a user and an item, and Python lists of all scores while it is fitted.

    Examples:
        >>> model = SvdSurprise().fit(dataset, seed=0)
        >>> algebra, painting = model.predict(np.array([0, 0]), np.array([3, 13]))
        >>> bool(algebra > painting)  # user 0 likes algebra
        True

    Reference:
        Hug, "Surprise: A Python library for recommender systems", Journal of Open Source Software, 2020.
    """

    name = "svd_surprise"
    config_type = SvdConfig

    config: SvdConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 8e-9 * shape.pairs * self.config.factors * self.config.epochs

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
