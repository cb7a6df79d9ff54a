"""Models of order on histories of one item and of 10,000, repeats in a row, equal times, and no order at all."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from models.catalog import create
from nightschool.contract import Dataset
from nightschool.data.splits import splitting
from nightschool.errors import ConfigurationError
from nightschool.night.selection.search import Search, Tunable
from nightschool.night.selection.select import choose_recipe
from tests.data.logs import log_of

MODELS = ("transitions", "next_ridge", "next_neighbours")
START = datetime(2024, 1, 1, tzinfo=UTC)


def dataset_of(rows: list[tuple[int, int]], times: list[datetime] | None = None) -> Dataset:
    frame = pl.DataFrame(rows, schema=["user_id", "item_id"], orient="row")
    if times is None:
        return Dataset.from_frames(frame, ordered=True)
    return Dataset.from_frames(frame.with_columns(pl.Series("timestamp", times)))


def weights_or_scores(name: str, dataset: Dataset) -> np.ndarray:
    model = create(name, {}).fit(dataset, seed=0)
    return model.score(np.arange(dataset.n_users, dtype=np.int32))


@pytest.mark.parametrize("name", MODELS)
def test_histories_of_one_item_and_of_ten_thousand(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Dense matrices of 10,000 items take a minute.
    monkeypatch.setattr("models.sequential.next_ridge._BYTES_A_PAIR", 1e9)
    rows = [(0, item) for item in range(10_000)] + [(user, 37 * user) for user in range(1, 20)]
    dataset = dataset_of(rows)
    params = {"neighbours": 10} if name == "next_ridge" else {}
    model = create(name, params).fit(dataset, seed=0)
    users = {user: index for index, user in enumerate(dataset.user_ids)}
    scores = model.score(np.array([users[0], users[3]], dtype=np.int32))
    assert np.isfinite(scores).all()
    # Who has taken one item gets what came after it in the long history.
    assert 1 <= dataset.item_ids[int(scores[1].argmax())] - 3 * 37 <= 3


@pytest.mark.parametrize("name", MODELS)
def test_repeats_in_a_row_are_one_place(name: str) -> None:
    paths = [[(user + step) % 12 for step in range(6)] for user in range(12)]
    once = [(user, item) for user, path in enumerate(paths) for item in path]
    again = [(user, item) for user, path in enumerate(paths) for item in path for _ in range(1 + item % 3)]
    np.testing.assert_array_equal(weights_or_scores(name, dataset_of(once)), weights_or_scores(name, dataset_of(again)))


@pytest.mark.parametrize("name", MODELS)
def test_equal_times_are_in_the_order_of_the_rows(name: str) -> None:
    rows = [(user, (user + step) % 12) for user in range(12) for step in range(6)]
    days = [START + timedelta(days=step) for _ in range(12) for step in range(6)]
    same = weights_or_scores(name, dataset_of(rows, [START] * len(rows)))
    np.testing.assert_array_equal(same, weights_or_scores(name, dataset_of(rows, days)))


@pytest.mark.parametrize("name", MODELS)
def test_no_order_at_all_is_refused(name: str) -> None:
    dataset = Dataset.from_frames(pl.DataFrame({"user_id": [1, 1, 2], "item_id": [7, 8, 7]}))
    with pytest.raises(ConfigurationError, match=rf"{name} needs the order.*leave {name} out"):
        create(name, {}).fit(dataset, seed=0)


def test_without_an_order_a_night_chooses_among_the_others_and_says_why() -> None:
    log = log_of([(user, (user + step) % 20, None) for user in range(60) for step in range(6)])
    cut = splitting.choose_cut(log, seed=1)
    tunables = tuple(Tunable(name) for name in ("popularity", *MODELS))
    search = Search(tunables, 0.0, (), (10,), seed=7, megabytes=1, max_users=1000)
    selection = choose_recipe([splitting.validation_split(log, cut)], search, create)
    assert selection.recipe.name == "popularity"
    assert set(selection.failures) == set(MODELS)
    assert all("needs the order of interactions" in why for why in selection.failures.values())
