from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from models.catalog import build
from nightschool.columns import (
    AUDIENCE_RECOMMENDATIONS,
    CANDIDATE_SCORES,
    HISTORIES,
    ITEM_ID,
    ITEM_WEIGHTS,
    NEIGHBOR_ID,
    NEXT_ITEMS,
    RECOMMENDATIONS,
    SIMILAR_ITEMS,
    SIMILAR_USERS,
    USER_ID,
)
from nightschool.contract import Dataset
from nightschool.night.departed import present, rows_of_present
from nightschool.night.release.lists import read_table, write_tables
from nightschool.recipe import Component, Recipe

HYBRID = Recipe(components=(Component(model="ease", weight=0.7), Component(model="content", weight=0.3)), alpha=0.7)
N_USERS, N_ITEMS = 40, 12


def test_everyone_is_present_where_nobody_left(dataset: Dataset) -> None:
    assert present(dataset).tolist() == [True, True, True]
    rows = dataset.positives()
    assert rows_of_present(rows, dataset) is rows


def test_users_who_left_have_no_entries(dataset: Dataset) -> None:
    gone = replace(dataset, departed=np.array([True, False, False]))
    assert present(gone).tolist() == [False, True, True]
    kept = rows_of_present(gone.positives(), gone)
    assert kept.toarray().tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert kept.nnz == 1


@pytest.fixture
def platform() -> Dataset:
    """Forty users with random histories; every fifth has left, and every fourth item has ended."""
    rng = np.random.default_rng(0)
    users, items = (axis.astype(np.int32) for axis in np.nonzero(rng.random((N_USERS, N_ITEMS)) < 0.4))
    ended = np.arange(N_ITEMS) % 4 == 0
    return Dataset(
        user_ids=pl.Series(np.arange(N_USERS)),
        item_ids=pl.Series(np.arange(N_ITEMS)),
        interactions=pl.DataFrame({"user_index": users, "item_index": items}).with_columns(
            score=pl.lit(1.0, pl.Float32), timestamp=pl.lit(None, pl.Datetime("us", "UTC"))
        ),
        users=pl.DataFrame({USER_ID: np.arange(N_USERS), "team": ["a"] * N_USERS}),
        items=pl.DataFrame({ITEM_ID: np.arange(N_ITEMS), "title": "x", "text": ["red sea", "blue sky"] * 6}),
        available=~ended,
        departed=np.arange(N_USERS) % 5 == 0,
        ended=ended,
    )


def values(folder: Path, column: str, *tables: object) -> set[int]:
    found = [read_table(folder, table).select(column).collect()[column] for table in tables]  # type: ignore[arg-type]
    return {*pl.concat(found)}


def test_no_table_names_a_user_who_left_or_offers_an_item_that_ended(platform: Dataset, tmp_path: Path) -> None:
    fitted = build(HYBRID).fit(platform, seed=0)
    write_tables(fitted, platform, tmp_path, k=5, megabytes=1)
    stay = {*np.arange(N_USERS)[present(platform)].tolist()}
    assert values(tmp_path, USER_ID, RECOMMENDATIONS, CANDIDATE_SCORES, HISTORIES, SIMILAR_USERS) == stay
    assert values(tmp_path, NEIGHBOR_ID, SIMILAR_USERS) <= stay
    current = {*np.arange(N_ITEMS)[platform.available].tolist()}
    assert values(tmp_path, ITEM_ID, RECOMMENDATIONS, CANDIDATE_SCORES, AUDIENCE_RECOMMENDATIONS) == current
    assert values(tmp_path, NEIGHBOR_ID, SIMILAR_ITEMS, ITEM_WEIGHTS) == current
    assert values(tmp_path, NEIGHBOR_ID, NEXT_ITEMS) <= current
    # What ended still says something of those who met it, and still has neighbours.
    assert values(tmp_path, ITEM_ID, SIMILAR_ITEMS) == values(tmp_path, ITEM_ID, ITEM_WEIGHTS) == {*range(N_ITEMS)}


def test_the_history_of_a_user_who_left_still_teaches(platform: Dataset) -> None:
    everyone = replace(platform, departed=None)
    weights = [build(HYBRID).fit(data, seed=0).parts["ease"].item_weights() for data in (platform, everyone)]
    assert isinstance(weights[0], csr_array)
    np.testing.assert_array_equal(*(matrix.toarray() for matrix in weights))
