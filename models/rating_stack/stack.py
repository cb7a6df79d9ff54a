"""Stacked rating models: a ridge regression learns each model's weight, by how much is known of user and item."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from models.base import Model, ModelConfig
from models.catalog import MODELS
from models.fitted_state import Known
from models.rating_stack.boosted_trees import grow_trees, read_trees, write_trees
from models.rating_stack.ensemble import Ensemble
from models.rating_stack.temporal_context import instants_of
from models.ratings import Ratings
from models.side_features import item_traits, user_traits
from nightschool.capabilities import PredictsRatings
from nightschool.contract import Dataset, Float32s, Indices, Instants, Space, Span
from nightschool.data.shape import Shape
from nightschool.errors import ConfigurationError
from nightschool.recipe import Component

_FOLDS = 5
_PAIRS_AT_A_TIME = 1 << 15
_DEFAULT = (
    Component(model="bayesian_fm"),
    Component(model="knn_baseline"),
    Component(model="knn_baseline", params={"side": "users"}),
    Component(model="svd"),
)
_GUESSED, _KNOWN = "guessed", "known"
_N_TREES = {_GUESSED: 225, _KNOWN: 1000}
"""Number of trees, by whether they see a guess of a score's instant or the instant itself."""


class _Told(NamedTuple):
    """What an ensemble says of pairs: columns of the regression, further facts for the trees, a guess of the time."""

    columns: Float32s
    facts: Float32s
    guessed: Instants


class StackConfig(ModelConfig):
    """What is stacked, and how strongly the regression is shrunk."""

    components: tuple[Component, ...] = Field(
        default=_DEFAULT,
        min_length=1,
        description="Models that predict ratings; the first is the one whose errors are remembered.",
    )
    l2: float = Field(default=30.0, gt=0, le=1e6, description="Shrinkage of the regression's weights.")

    @field_validator("components")
    @classmethod
    def _predict_ratings(cls, components: tuple[Component, ...]) -> tuple[Component, ...]:
        for component in components:
            if component.model not in MODELS or not _is_stackable(MODELS[component.model]):
                raise ValueError(f"{component.model} is none of {', '.join(_stackable())}")
            _part(component)
        return components

    space: ClassVar[Space] = {"l2": Span(1.0, 1000.0, log=True)}


class Stack(Model):
    """Stack: ridge regression and boosted trees over the predictions of several rating models.

    Formula:
        r = Σ_c β_c · column_c + trees. The columns are each model's prediction, the same times how much is known of the
        user and of the item, the traits of both, and the first model's errors on items of the same sessions. β is
        learned from predictions of pairs that the models were not fitted on: each fifth of the scores in turn. Where
        the data have times, trees learn the residuals from the scores around the instant, which `predict` guesses
        and `predict_in_context` is given.

    Good for:
        The lowest rating error, where the time of a fit of all its models, six times, is available.

    Refuses:
        Data without graded scores. Fewer than five scores leave nothing to learn β from: the models then count alike,
        and `note` says so.

    Memory:
        That of its models, and all scores.

    Examples:
        >>> model = Stack(StackConfig(components=({"model": "svd"}, {"model": "svdpp"}))).fit(dataset, seed=0)
        >>> algebra, painting = model.predict(np.array([0, 0]), np.array([3, 13]))
        >>> bool(algebra > painting)  # user 0 likes algebra
        True

    References:
        Wolpert, "Stacked Generalization", 1992; Sill, Takács, Mackey and Lin, "Feature-Weighted Linear Stacking", 2009;
        for the time of a score: Koren, "Collaborative Filtering with Temporal Dynamics", KDD 2009.
    """

    name = "stack"
    config_type = StackConfig
    sequential = True
    needs_scores = True
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
        self._ensemble = self._new_ensemble()
        self._trees: dict[str, lightgbm.Booster] = {}

    def predict(self, user_indices: Indices, item_indices: Indices) -> Float32s:
        """Predict the scores of single pairs, float32 [n], clipped to the score range; an index of -1 is unknown."""
        return self._clipped(self._estimate(user_indices, item_indices))

    def predict_in_context(self, user_indices: Indices, item_indices: Indices, instants: Instants) -> Float32s:
        """Predict the scores of single pairs given at these instants, float32 [n], clipped likewise.

        Raises:
            ConfigurationError: There were no times to learn from, or too few scores.
        """
        if not self._trees:
            raise ConfigurationError(
                "this stack has not learned from times", do="fit it on more scores, all with times"
            )
        return self._clipped(self._estimate(user_indices, item_indices, instants))

    def forget(self, user_index: int) -> None:
        """Remove a user from the regression's traits, from every model, and from the remembered scores."""
        super().forget(user_index)
        self._ensemble.forget(user_index)

    def write(self, directory: Path) -> None:
        """Write the regression, the trees, and each model in a folder of its own."""
        super().write(directory)
        self._ensemble.write(directory)
        for name, trees in self._trees.items():
            write_trees(directory / f"{name}.txt", trees)

    def read(self, directory: Path, known: Known) -> None:
        """Read what `write` wrote, for these ids and histories."""
        super().read(directory, known)
        self._ensemble = self._new_ensemble()
        self._ensemble.read(directory, known)
        files = [directory / f"{name}.txt" for name in _N_TREES]
        self._trees = {file.stem: read_trees(file) for file in files if file.exists()}

    def _score(self, user_indices: Indices) -> Float32s:
        n_items = len(self.item_traits) - 1
        users = np.repeat(user_indices, n_items)
        items = np.tile(np.arange(n_items, dtype=np.int32), len(user_indices))
        return self._estimate(users, items).reshape(len(user_indices), n_items)

    def _estimate(self, users: Indices, items: Indices, instants: Instants | None = None) -> Float32s:
        estimates = np.empty(len(users), dtype=np.float32)
        for start in range(0, len(users), _PAIRS_AT_A_TIME):
            rows = slice(start, start + _PAIRS_AT_A_TIME)
            asked = self._ask(self._ensemble, users[rows], items[rows])
            estimates[rows] = asked.columns @ self.coefficients + self.intercept
            if self._trees:
                trees = self._trees[_GUESSED if instants is None else _KNOWN]
                at = asked.guessed if instants is None else instants[rows]
                around = self._ensemble.around(users[rows], items[rows], at)
                features = np.column_stack([estimates[rows], asked.facts, around])
                estimates[rows] += trees.predict(features, num_threads=1)
        return estimates

    def _clipped(self, estimates: Float32s) -> Float32s:
        clipped: Float32s = np.clip(estimates, *self.score_range)
        return clipped

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 5e-3 * shape.pairs

    def _learn(self, dataset: Dataset, seed: int) -> None:
        ratings = Ratings.graded(dataset)
        self.score_range = np.array(ratings.scale, dtype=np.float32)
        self.user_traits = user_traits(dataset)
        self.item_traits = item_traits(dataset)
        self._ensemble = self._new_ensemble().fit(dataset, seed)
        self._trees = {}
        if len(ratings.scores) < _FOLDS:
            self._believe_all_alike()
            return
        self._learn_out_of_fold(dataset, ratings, seed)

    def _believe_all_alike(self) -> None:
        self.note = f"fewer than {_FOLDS} scores leave nothing to learn weights from: the models count alike"
        n_columns = self._ask(self._ensemble, *[np.empty(0, np.int32)] * 2).columns.shape[1]
        self.coefficients = np.zeros(n_columns, dtype=np.float32)
        self.coefficients[: len(self._ensemble.parts)] = 1 / len(self._ensemble.parts)
        self.intercept = np.zeros(1, dtype=np.float32)

    def _learn_out_of_fold(self, dataset: Dataset, ratings: Ratings, seed: int) -> None:
        """Learn regression and trees from predictions of pairs that the predicting ensemble was not fitted on.

        That goes for the scores around a pair too: its own score has no part in what the ensemble remembers, and none
        in how far off its models were.
        """
        columns, facts, guessed, known = self._out_of_fold(dataset, ratings, seed)
        self.coefficients, self.intercept = _regress(columns, ratings.scores, self.config.l2)
        if not self._ensemble.knows_times:
            return
        estimates = columns @ self.coefficients + self.intercept
        for name, around in ((_GUESSED, guessed), (_KNOWN, known)):
            features = np.column_stack([estimates, facts, around])
            self._trees[name] = grow_trees(features, ratings.scores - estimates, _N_TREES[name], seed)

    def _out_of_fold(self, dataset: Dataset, ratings: Ratings, seed: int) -> Sequence[Float32s]:
        """Compute each pair's columns and facts, and the scores around its guessed and its known instant."""
        pairs = dataset.pairs
        instants = instants_of(pairs)
        folds = list(KFold(_FOLDS, shuffle=True, random_state=seed).split(ratings.users))
        found = []
        for learned, held in folds:
            ensemble = self._new_ensemble().fit(
                replace(dataset, interactions=pairs[np.sort(learned)], learned=None), seed
            )
            users, items = ratings.users[held], ratings.items[held]
            asked = self._ask(ensemble, users, items)
            around = (
                [ensemble.around(users, items, at) for at in (asked.guessed, instants[held])] if len(instants) else []
            )
            found.append([asked.columns, asked.facts, *around])
        order = np.argsort(np.concatenate([held for _, held in folds]))
        arrays = [np.concatenate(parts)[order] for parts in zip(*found, strict=True)]
        return arrays if len(instants) else [*arrays, arrays[1], arrays[1]]

    def _ask(self, ensemble: Ensemble, users: Indices, items: Indices) -> _Told:
        of_users, of_items = self.user_traits[users], self.item_traits[items]
        predictions = ensemble.predictions(users, items)
        company, guessed = ensemble.company(users, items)
        # The first trait of each is how much is known of it.
        known = [predictions * of_users[:, :1], predictions * of_items[:, :1]]
        columns = np.hstack([predictions, *known, of_users, of_items, company], dtype=np.float32)
        facts = np.hstack([of_users[:, :2], of_items[:, :2], predictions, company], dtype=np.float32)
        return _Told(columns, facts, guessed)

    def _new_ensemble(self) -> Ensemble:
        return Ensemble([_part(component) for component in self.config.components])


def _is_stackable(model: type[Model]) -> bool:
    return issubclass(model, PredictsRatings) and not issubclass(model, Stack)


def _stackable() -> list[str]:
    return [name for name, model in MODELS.items() if _is_stackable(model)]


def _part(component: Component) -> Model:
    model = MODELS[component.model]
    return model(model.config_type.model_validate(component.params))


def _regress(columns: Float32s, scores: Float32s, l2: float) -> tuple[Float32s, Float32s]:
    """Fit coefficients, float32 [n_columns], and intercept, float32 [1], shrunk as if columns had unit deviation."""
    exact: NDArray[np.float64] = columns.astype(np.float64)
    deviations = exact.std(axis=0)
    scale = np.where(deviations > 0, deviations, 1.0)
    fitted = Ridge(alpha=l2).fit(exact / scale, scores.astype(np.float64))
    return (fitted.coef_ / scale).astype(np.float32), np.array([fitted.intercept_], dtype=np.float32)
