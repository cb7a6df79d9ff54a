"""Rating models stacked: a ridge regression learns how much to believe each, and of whom."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from models.base import Model, ModelConfig
from models.bayesian_fm import BayesianFm
from models.knn_baseline import KnnBaseline
from models.known import Known
from models.nmf import Nmf
from models.ratings import Ratings
from models.svd import Svd
from models.svd_surprise import SvdSurprise
from models.svdpp import Svdpp
from models.traits import item_traits, user_traits
from nightschool.contract import Component, Dataset, Float32s, Indices, Space, Span

_FOLDS = 5
_PAIRS_AT_A_TIME = 1 << 15
_RATING_MODELS: Mapping[str, type[Model]] = {
    model.name: model for model in (Svd, SvdSurprise, Svdpp, Nmf, KnnBaseline, BayesianFm)
}
_DEFAULT = (Component(model="bayesian_fm"), Component(model="knn_baseline"), Component(model="svd"))


class StackConfig(ModelConfig):
    """What is stacked, and how strongly the regression is shrunk."""

    components: tuple[Component, ...] = Field(
        default=_DEFAULT, min_length=1, description="Models that predict ratings."
    )
    l2: float = Field(default=30.0, gt=0, le=1e6, description="Shrinkage of the regression's weights.")

    @field_validator("components")
    @classmethod
    def _predict_ratings(cls, components: tuple[Component, ...]) -> tuple[Component, ...]:
        for component in components:
            if component.model not in _RATING_MODELS:
                raise ValueError(f"{component.model} is none of {', '.join(_RATING_MODELS)}")
            _part(component)
        return components

    space: ClassVar[Space] = {"l2": Span(1.0, 1000.0, log=True)}


class Stack(Model):
    """Predicts a score by ridge regression on the predictions of other models and the traits of user and item.

    The regression is learned from predictions of pairs that a model was not fitted on: each fifth of the scores in
    turn is predicted by fits on the others. Then every model is fitted on all. A prediction counts for itself and
    multiplied with how much is known of the user and of the item, so that a model may be believed more where it knows
    more.

    Reference:
        Wolpert, "Stacked Generalization", 1992; Sill, Takács, Mackey and Lin, "Feature-Weighted Linear Stacking", 2009.
    """

    name = "stack"
    config_type = StackConfig
    learned = ("user_traits", "item_traits", "coefficients", "intercept", "score_range")
    by_user = ("user_traits",)

    config: StackConfig
    user_traits: Float32s
    """float32 [n_users + 1, n_traits]; the last row, which index -1 reaches, is the unknown user's zeros."""
    item_traits: Float32s
    """float32 [n_items + 1, n_traits]; likewise."""
    coefficients: Float32s
    """The regression's weights, float32 [n_columns]."""
    intercept: Float32s
    """float32 [1]."""
    score_range: Float32s
    """The lowest and highest score, float32 [2]."""

    def __init__(self, config: StackConfig | None = None) -> None:
        super().__init__(config)
        self._parts: Sequence[Model] = ()

    def predict(self, user_indices: Indices, item_indices: Indices) -> Float32s:
        """Scores of single pairs, float32 [n], clipped to the dataset's score range; an index of -1 is unknown."""
        lowest, highest = self.score_range
        clipped: Float32s = np.clip(self._estimate(user_indices, item_indices), lowest, highest)
        return clipped

    def forget(self, user_index: int) -> None:
        """Removes a user from the regression's traits and from every model."""
        super().forget(user_index)
        for part in self._parts:
            part.forget(user_index)

    def write(self, directory: Path) -> None:
        """Writes the regression, and each model in a folder of its own."""
        super().write(directory)
        for place, part in enumerate(self._parts):
            part.write(directory / f"{place}_{part.name}")

    def read(self, directory: Path, known: Known) -> None:
        """Takes over what `write` wrote, for these ids and histories."""
        super().read(directory, known)
        self._parts = self._new_parts()
        for place, part in enumerate(self._parts):
            part.read(directory / f"{place}_{part.name}", known)

    def _score(self, user_indices: Indices) -> Float32s:
        n_items = len(self.item_traits) - 1
        users = np.repeat(user_indices, n_items)
        items = np.tile(np.arange(n_items, dtype=np.int32), len(user_indices))
        return self._estimate(users, items).reshape(len(user_indices), n_items)

    def _estimate(self, users: Indices, items: Indices) -> Float32s:
        estimates = np.empty(len(users), dtype=np.float32)
        for start in range(0, len(users), _PAIRS_AT_A_TIME):
            rows = slice(start, start + _PAIRS_AT_A_TIME)
            columns = self._columns(_predictions(self._parts, users[rows], items[rows]), users[rows], items[rows])
            estimates[rows] = columns @ self.coefficients + self.intercept
        return estimates

    def _learn(self, dataset: Dataset, seed: int) -> None:
        ratings = Ratings.graded(dataset, self.name)
        self.score_range = np.array(ratings.scale, dtype=np.float32)
        self.user_traits = user_traits(dataset)
        self.item_traits = item_traits(dataset)
        self._parts = [part.fit(dataset, seed=seed) for part in self._new_parts()]
        if len(ratings.scores) < _FOLDS:
            self._believe_all_alike()
            return
        predictions = self._out_of_fold(dataset, ratings, seed)
        columns = self._columns(predictions, ratings.users, ratings.items)
        self.coefficients, self.intercept = _regress(columns, ratings.scores, self.config.l2)

    def _believe_all_alike(self) -> None:
        self.note = f"fewer than {_FOLDS} scores leave nothing to learn weights from: the models count alike"
        n_columns = self._columns(np.zeros((0, len(self._parts)), np.float32), *[np.empty(0, np.int32)] * 2).shape[1]
        self.coefficients = np.zeros(n_columns, dtype=np.float32)
        self.coefficients[: len(self._parts)] = 1 / len(self._parts)
        self.intercept = np.zeros(1, dtype=np.float32)

    def _out_of_fold(self, dataset: Dataset, ratings: Ratings, seed: int) -> Float32s:
        """Each model's prediction of each pair by a fit that did not see it, float32 [n, n_models]."""
        pairs = dataset.pairs
        predictions = np.empty((len(ratings.scores), len(self.config.components)), dtype=np.float32)
        for learned, held in KFold(_FOLDS, shuffle=True, random_state=seed).split(ratings.users):
            others = replace(dataset, interactions=pairs[np.sort(learned)], learned=None)
            fitted = [part.fit(others, seed=seed) for part in self._new_parts()]
            predictions[held] = _predictions(fitted, ratings.users[held], ratings.items[held])
        return predictions

    def _columns(self, predictions: Float32s, users: Indices, items: Indices) -> Float32s:
        """What the regression sees of each pair: predictions, the same times what is known, and traits."""
        of_users, of_items = self.user_traits[users], self.item_traits[items]
        # The first trait of each is how much is known of it.
        known = [predictions * of_users[:, :1], predictions * of_items[:, :1]]
        return np.hstack([predictions, *known, of_users, of_items], dtype=np.float32)

    def _new_parts(self) -> list[Model]:
        return [_part(component) for component in self.config.components]


def _part(component: Component) -> Model:
    model = _RATING_MODELS[component.model]
    return model(model.config_type.model_validate(component.params))


def _predictions(parts: Sequence[Any], users: Indices, items: Indices) -> Float32s:
    """Each model's prediction of each pair, float32 [n, n_models]."""
    return np.stack([part.predict(users, items) for part in parts], axis=1)


def _regress(columns: Float32s, scores: Float32s, l2: float) -> tuple[Float32s, Float32s]:
    """Coefficients, float32 [n_columns], and intercept, float32 [1], of columns shrunk as if of unit deviation."""
    exact: NDArray[np.float64] = columns.astype(np.float64)
    deviations = exact.std(axis=0)
    scale = np.where(deviations > 0, deviations, 1.0)
    fitted = Ridge(alpha=l2).fit(exact / scale, scores.astype(np.float64))
    return (fitted.coef_ / scale).astype(np.float32), np.array([fitted.intercept_], dtype=np.float32)
