"""Cold-start evaluation: models compared with popularity on new users and new items."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

from nightschool.capabilities import FoldsIn
from nightschool.contract import Dataset, Float32s, Indices, Mask, Recommender, Split
from nightschool.data.dataset import EventLog
from nightschool.data.splits.cold_start import FIRST_EVENTS, USERS, among_new, first_events, new_items
from nightschool.data.splits.splitting import TEST, VALIDATION, Cut
from nightschool.errors import ConfigurationError
from nightschool.night.selection.evaluators import Create
from nightschool.night.selection.search import Search
from nightschool.offline.compare import Measured, compare_models
from nightschool.recipe import Recipe


@dataclass(frozen=True)
class Table:
    """One comparison of models under one cold-start condition.

    Attributes:
        name: How many events of new users are known, or among which items new ones are ranked.
        rows: One a model.
        failures: Model to the reason it was left out.
    """

    name: str
    rows: list[Measured]
    failures: Mapping[str, str]


@dataclass(frozen=True)
class Makers:
    """Factories of recommenders: of a model by its name, and of a recipe."""

    create: Create
    build: Callable[[Recipe], Recommender]

    def inside(self, wrap: Callable[[Recommender], Recommender]) -> "Makers":
        """Wrap each recommender that is made."""
        return Makers(
            lambda name, params: wrap(self.create(name, params)),
            lambda recipe: wrap(self.build(recipe)),
        )


class FromHistory:
    """A recommender that scores every user by folding in their history, as if they had not been in the training data.

    Raises:
        ConfigurationError: The model knows only the users that it was fitted on.
    """

    def __init__(self, model: Recommender) -> None:
        if not isinstance(model, FoldsIn):
            what = "the model cannot score new users by their history"
            raise ConfigurationError(what, seen=type(model).__name__, do="choose models that fold in")
        self._model = model
        self.note: str | None = None

    def fit(self, dataset: Dataset, *, seed: int) -> Self:
        """Fit the model; scores use the dataset's whole history, also what was seen but not learned from."""
        self.note = self._model.fit(dataset, seed=seed).note
        self._histories = dataset.histories()
        return self

    def score(self, user_indices: Indices) -> Float32s:
        """Score every item for a block of users, float32 [n_block, n_items]."""
        return self._model.fold_in(self._histories[user_indices])


class OnWholeCatalogue:
    """A recommender that is fitted with the whole catalogue available, even where few items are candidates."""

    def __init__(self, model: Recommender, catalogue: Mask) -> None:
        self._model = model
        self._catalogue = catalogue
        self.note: str | None = None

    def fit(self, dataset: Dataset, *, seed: int) -> Self:
        """Fit the model on the dataset with the whole catalogue available."""
        self.note = self._model.fit(replace(dataset, available=self._catalogue), seed=seed).note
        return self

    def score(self, user_indices: Indices) -> Float32s:
        """Score every item for a block of users, float32 [n_block, n_items]."""
        return self._model.score(user_indices)


def measure_cold_start(log: EventLog, cut: Cut, search: Search, makers: Makers) -> list[Table]:
    """Measure models on `leave-users`, one table a number of first events, or on `leave-items`, two tables.

    Hyper-parameters are chosen for each table on validation, held out the same way.

    Args:
        log: Every event.
        cut: From `leave_out`.
        search: What to try, and the models.
        makers: How recommenders are made.
    """
    return _newcomers(log, cut, search, makers) if cut.protocol == USERS else _new_items(log, cut, search, makers)


def _newcomers(log: EventLog, cut: Cut, search: Search, makers: Makers) -> list[Table]:
    folding = makers.inside(FromHistory)
    tables = []
    for count in FIRST_EVENTS:
        validation, test = (first_events(log, cut, label, count, seed=search.seed) for label in (VALIDATION, TEST))
        name = f"new users after {count} event{'s' if count > 1 else ''}"
        tables.append(_table(name, (validation, test), search, folding))
    return tables


def _new_items(log: EventLog, cut: Cut, search: Search, makers: Makers) -> list[Table]:
    validation, test = (new_items(log, cut, label) for label in (VALIDATION, TEST))
    whole = partial(OnWholeCatalogue, catalogue=test.fitted.available)
    # A recipe ranks a pool of the whole catalogue, which holds few new items or none: here only models can be compared.
    models = Makers(makers.create, partial(_alone, makers.create)).inside(whole)
    few = _table("new items among themselves", (among_new(validation), among_new(test)), search, models)
    names = {tunable.model for tunable in search.tunables}
    alone = replace(few, rows=[row for row in few.rows if row.name in names])
    return [alone, _table("new items in the whole catalogue", (validation, test), search, makers)]


def _alone(create: Create, recipe: Recipe) -> Recommender:
    return create(recipe.components[0].model, recipe.components[0].params)


def _table(name: str, splits: tuple[Split, Split], search: Search, makers: Makers) -> Table:
    validation, test = splits
    rows, failures = compare_models([validation], test, search, makers.create, makers.build)
    return Table(name, rows, failures)


def describe_table(table: Table, describe: Callable[[Measured], dict[str, Any]]) -> dict[str, Any]:
    """Describe a table as a JSON document."""
    return {
        "name": table.name,
        "n_users": table.rows[0].evaluation.n_users,
        "models": [describe(row) for row in table.rows],
        "failures": dict(table.failures),
    }
