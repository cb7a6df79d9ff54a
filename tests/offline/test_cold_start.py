from dataclasses import replace
from typing import Self

import numpy as np
import polars as pl
import pytest

from nightschool.columns import AVAILABLE_AT, INSTANT, ITEM_ID, ITEM_INDEX, TEXT, TITLE
from nightschool.contract import Dataset, Float32s, Indices
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.splits.cold_start import ITEMS, USERS, leave_out
from nightschool.errors import ConfigurationError
from nightschool.histories import Histories
from nightschool.night.selection.search import Search, Tunable
from nightschool.offline.cold_start import FromHistory, Makers, OnWholeCatalogue, describe_table, measure_cold_start
from nightschool.offline.compare import describe_measured
from tests.data.logs import START, frame_of

MANIFEST = Manifest.model_validate(
    {
        "name": "two-tastes",
        "score": "implicit",
        "interactions": {"files": ["x"], "user": "u", "item": "i"},
        "items": {"files": ["y"], "id": "i", "title": "t", "text": ["t"]},
    }
)
N_USERS, N_ITEMS, EACH = 40, 40, 8


@pytest.fixture(scope="module")
def log() -> EventLog:
    """Forty users, each with eight of the twenty items of one taste, one a day."""
    rng = np.random.default_rng(0)
    rows = [
        (user, int(item) * 2 + user % 2, day)
        for user in range(N_USERS)
        for day, item in enumerate(rng.choice(N_ITEMS // 2, EACH, replace=False))
    ]
    titles = ["algebra" if item % 2 else "painting" for item in range(N_ITEMS)]
    items = pl.DataFrame({ITEM_ID: range(N_ITEMS), TITLE: titles, TEXT: titles}).with_columns(
        pl.lit(START).cast(INSTANT).alias(AVAILABLE_AT)
    )
    return build_event_log(None, items, frame_of(rows), MANIFEST)


class Popular:
    """Scores items by the users who have them."""

    note: str | None = "as asked"

    def fit(self, dataset: Dataset, *, seed: int) -> Self:
        self.dataset = dataset
        self.counts = np.bincount(dataset.pairs[ITEM_INDEX], minlength=dataset.n_items).astype(np.float32)
        return self

    def score(self, user_indices: Indices) -> Float32s:
        return np.tile(self.counts, (len(user_indices), 1))

    def fold_in(self, histories: Histories) -> Float32s:
        return np.tile(self.counts, (histories.scores.shape[0], 1))


class SameTaste(Popular):
    """Scores the items that have the title of the first one of the history, never looking at who has them."""

    def fit(self, dataset: Dataset, *, seed: int) -> Self:
        self.histories = dataset.histories()
        titles = dataset.items[TITLE].to_numpy()
        self.alike = (titles[:, None] == titles[None, :]) & dataset.available
        return self

    def score(self, user_indices: Indices) -> Float32s:
        return self.fold_in(self.histories[user_indices])

    def fold_in(self, histories: Histories) -> Float32s:
        return np.stack([self.alike[row.indices[0]].astype(np.float32) for row in histories.scores])


class Known:
    """Cannot fold in."""

    note = None

    def fit(self, dataset: Dataset, *, seed: int) -> Self:
        self.shape = (dataset.n_users, dataset.n_items)
        return self

    def score(self, user_indices: Indices) -> Float32s:
        return np.zeros((len(user_indices), self.shape[1]), dtype=np.float32)


MODELS = {"popularity": Popular, "taste": SameTaste, "known": Known}
MAKERS = Makers(lambda name, _: MODELS[name](), lambda recipe: MODELS[recipe.components[0].model]())
TUNABLES = tuple(Tunable(name) for name in MODELS)
SEARCH = Search(TUNABLES, 0.0, (), (5, 10), seed=1, megabytes=1, max_users=1000)


def test_new_users_are_measured_after_each_count_of_events(log: EventLog) -> None:
    tables = measure_cold_start(log, leave_out(log, USERS, seed=1), SEARCH, MAKERS)
    assert [table.name for table in tables] == [
        "new users after 1 event",
        "new users after 3 events",
        "new users after 5 events",
    ]
    for table in tables:
        assert [row.name for row in table.rows] == ["popularity", "taste"]
        assert "fold in" in table.failures["known"]
        assert table.rows[1].evaluation.n_users == N_USERS // 5
        assert table.rows[0].over_popularity.difference == 0
        assert table.rows[1].over_popularity.conclusion == "better"


def test_new_items_are_ranked_among_themselves_and_among_all(log: EventLog) -> None:
    alone, among_all = measure_cold_start(log, leave_out(log, ITEMS, seed=1), SEARCH, MAKERS)
    taste, popular = ({row.name: row for row in alone.rows}[name].evaluation for name in ("taste", "popularity"))
    assert taste.mean("precision", 5) > popular.mean("precision", 5)
    assert taste.mean("coverage", 10) == 1.0  # eight new items, no others
    assert {row.name: row for row in among_all.rows}["popularity"].evaluation.mean("hit_rate", 10) == 0
    assert among_all.rows[0].evaluation.mean("coverage", 10) < 1


def test_a_user_is_scored_by_history_and_not_by_what_was_fitted(log: EventLog) -> None:
    dataset = replace(log.dataset(), learned=np.zeros(log.dataset().interactions.height, dtype=bool))
    found = FromHistory(SameTaste()).fit(dataset, seed=0).score(np.array([3, 5], dtype=np.int32))
    np.testing.assert_array_equal(found, SameTaste().fit(dataset, seed=0).score(np.array([3, 5], dtype=np.int32)))
    with pytest.raises(ConfigurationError, match=r"by their history.*Known"):
        FromHistory(Known())


def test_the_whole_catalogue_is_learned_from(log: EventLog) -> None:
    dataset = log.dataset()
    few = replace(dataset, available=np.zeros(dataset.n_items, dtype=bool))
    model = Popular()
    wrapped = OnWholeCatalogue(model, dataset.available).fit(few, seed=0)
    assert model.dataset.available.all()
    assert wrapped.note == "as asked"
    users = np.array([0], dtype=np.int32)
    np.testing.assert_array_equal(wrapped.score(users), model.score(users))


def test_a_table_is_a_document(log: EventLog) -> None:
    table = measure_cold_start(log, leave_out(log, USERS, seed=1), SEARCH, MAKERS)[0]
    document = describe_table(table, lambda row: describe_measured(row, (5, 10)))
    assert document["name"] == table.name
    assert document["n_users"] == 8
    assert [model["name"] for model in document["models"]] == ["popularity", "taste"]
    assert document["models"][1]["over_popularity"][1] > 0
    assert set(document["failures"]) == {"known"}
